// Runs a program against a world of its own, judging as it goes and when everything is at rest.

import { isDeepStrictEqual } from 'node:util'
import type { TestConsul } from '../consul.ts'
import { waitFor } from '../wait-for.ts'
import { ConsulSteps, documentOf } from './consul-steps.ts'
import { flatten } from './edits.ts'
import { type Judgement, judge } from './judge.ts'
import { OurRows } from './our-rows.ts'
import { People } from './people.ts'
import type { Program, Step } from './program.ts'
import { RoutableWatch } from './routable.ts'
import { Strangers } from './strangers.ts'
import { watchWrites } from './watch-writes.ts'
import { World } from './world.ts'

export interface RunResult {
  /** What was wrong; empty when all was well. */
  readonly wrong: readonly string[]
  readonly log: readonly string[]
}

/** How long everything may take to be at rest once nothing is broken any more. */
const REST_MS = 30_000

export async function runProgram(consul: TestConsul, program: Program): Promise<RunResult> {
  const world = await World.start(consul, program.seed)
  const routable = new RoutableWatch(world)
  watchWrites(world, routable)
  const runner = new Runner(world, routable)
  let wrong: readonly string[] = []
  try {
    for (const step of [...program.steps, { do: 'settle' } as const]) {
      world.note(`--- ${JSON.stringify(step)}`)
      wrong = await runner.run(step)
      if (wrong.length > 0 || world.violations.length > 0) break
    }
  } finally {
    await world.close()
  }
  return { wrong: [...world.violations, ...wrong], log: world.log }
}

class Runner {
  readonly #world: World
  readonly #routable: RoutableWatch
  readonly #people: People
  readonly #strangers: Strangers
  readonly #consul: ConsulSteps

  constructor(world: World, routable: RoutableWatch) {
    this.#world = world
    this.#routable = routable
    const ours = new OurRows(world, routable)
    this.#people = new People(world, routable, ours)
    this.#strangers = new Strangers(world, routable, ours)
    this.#consul = new ConsulSteps(world, routable)
  }

  /** @returns what is wrong, of a step that judges */
  async run(step: Step): Promise<readonly string[]> {
    if (step.do === 'settle') return await this.#settle()
    await this.#do(step)
    return []
  }

  async #do(step: Exclude<Step, { do: 'settle' }>): Promise<void> {
    const world = this.#world
    switch (step.do) {
      case 'register':
      case 'deregister':
      case 'check':
      case 'maintenance':
      case 'settings':
        return await this.#consul[step.do](step as never)
      case 'edit':
      case 'putUntagged':
      case 'remove':
      case 'pin':
      case 'release':
      case 'mark':
      case 'unclaim':
        return await this.#people[step.do](step as never)
      case 'foreign':
      case 'editForeign':
      case 'removeForeign':
        return await this.#strangers[step.do](step as never)
      case 'start':
        return await world.startOperator(step.operator)
      case 'stop':
        return await world.stopOperator(step.operator, step.how)
      case 'kongFaults':
        world.kongFaults = step
        return
      case 'consulFaults':
        if (step.how === 'cut') world.operators.get(step.operator)?.consul.cut()
        else world.consulFaults.set(step.operator, step.how)
        return
      case 'faultsEnd':
        return this.#mend()
      case 'resync':
        void world.operators.get(step.operator)?.operator.resync()
        return
      case 'writes':
        return await this.#writes(step.count)
    }
  }

  #mend(): void {
    this.#world.kongFaults = { percent: 0, faults: [] }
    this.#world.consulFaults.clear()
  }

  /** Lets the operators get on with it, for some writes, or until they have nothing to write. */
  async #writes(count: number): Promise<void> {
    const until = this.#world.writes + count
    const isIdle = () => this.#world.leader()?.status().pending.length === 0
    const limit = performance.now() + 300
    await waitFor(() => this.#world.writes >= until || isIdle() || performance.now() > limit, { pollMs: 2 })
  }

  async #settle(): Promise<readonly string[]> {
    const world = this.#world
    this.#mend()
    if (world.operators.size === 0) await world.startOperator('first')
    for (const { operator } of world.operators.values()) void operator.resync()
    let last: Judgement | null = null
    const isAtRest = async () => {
      last = await judge(world)
      return last.wrong.length === 0 || world.violations.length > 0
    }
    try {
      await waitFor(isAtRest, { deadlineMs: REST_MS, pollMs: 20 })
    } catch {
      world.note(`not at rest: ${JSON.stringify(world.leader()?.status(), null, 1)}`)
    }
    const { wrong, rows, documents } = last!
    if (wrong.length > 0) return wrong
    await this.#rested(rows, documents)
    return []
  }

  async #rested(rows: Judgement['rows'], documents: Judgement['documents']): Promise<void> {
    const world = this.#world
    const reported = world.leader()?.status().overrides ?? []
    world.edits.settle(({ id, field, value }) => {
      const held = world.replica.get(id)
      const isReported = field === 'slots' || reported.some((each) => each.id === id && each.field === field)
      return held !== undefined && isReported && isDeepStrictEqual(flatten(held.row).get(field), value)
    })
    for (const service of world.services) {
      this.#routable.settle(service, rows.get(service)!)
      world.documents.set(service, await this.#documentsAtRest(service, documents.get(service)!))
    }
    world.changed.clear()
  }

  /** What is in KV when it is good, else what may be the last good one. */
  async #documentsAtRest(service: string, explaining: readonly object[]): Promise<readonly object[]> {
    const rows = await this.#world.consul.request('GET', `/kv/mesh/services/${service}`).catch(() => null)
    const value = (rows as readonly { readonly Value: string }[] | null)?.[0]?.Value
    const document = documentOf(value === undefined ? null : Buffer.from(value, 'base64').toString())
    return document === null ? explaining : [document]
  }
}
