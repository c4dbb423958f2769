import { randomBytes } from 'node:crypto'
import { upstreamName } from '../../core/names.ts'
import { CheckedMesh, elapsed, PER_SECOND, WARM_UP_SHOTS } from './checked-mesh.ts'
import { describeFailures, startOpenLoop } from './open-loop.ts'
import { PluginChecks } from './plugin-checks.ts'
import { readProxied } from './read-proxied.ts'
import type { SampleInstance } from './sample-instance.ts'
import type { Stack } from './stack.ts'

export interface CheckResult {
  readonly check: string
  readonly ok: boolean
  /** How long the whole check took. */
  readonly tookMs: number
  /** What was measured, or what went wrong. */
  readonly detail: string
}

const SHOTS_AFTER = 200

/** Runs the checks of `up --check` one after another; the mesh is as before afterwards. */
export async function runSelfTest(stack: Stack, onResult: (result: CheckResult) => void): Promise<boolean> {
  const mesh = new CheckedMesh(stack)
  const service = `check-${randomBytes(3).toString('hex')}`
  const test = new SelfTest(mesh, service)
  const plugins = new PluginChecks(mesh, `${service}-circuit`)
  const checks: readonly (readonly [name: string, run: () => Promise<string>])[] = [
    ['a new service is registered and answers', () => test.register()],
    ['services answer by host and by path', () => test.route()],
    ['a request passes through three services', () => test.chain()],
    ['one trace goes through three services', () => plugins.trace()],
    ['that trace is one tree in the operator', () => plugins.tree()],
    ['every request is counted by the operator', () => plugins.count()],
    ['an instance killed under requests fails none', () => test.kill()],
    ['an instance deregistered under requests fails none', () => test.deregister()],
    ['the operator restarted under requests fails none', () => test.restartOperator()],
    ['a KV edit switches the strategy under requests', () => test.switchStrategy()],
    ['an instance that answers 500 is taken out and comes back', () => plugins.eject()],
    ['a circuit forced open refuses, and lets through again', () => plugins.force()],
    ['a service that is deregistered is no longer routed', () => test.remove()],
  ]
  let allOk = true
  for (const [check, run] of checks) {
    const startedAt = performance.now()
    const result = await run().then(
      (detail) => ({ check, ok: true, detail }),
      (error) => ({ check, ok: false, detail: (error as Error).message }),
    )
    allOk &&= result.ok
    onResult({ ...result, tookMs: Math.round(performance.now() - startedAt) })
  }
  await plugins.end()
  return allOk
}

class SelfTest {
  readonly #mesh: CheckedMesh
  readonly #stack: Stack
  readonly #service: string
  #instance: SampleInstance | null = null

  constructor(mesh: CheckedMesh, service: string) {
    this.#mesh = mesh
    this.#stack = mesh.stack
    this.#service = service
  }

  async register(): Promise<string> {
    this.#instance = await this.#stack.addInstance(this.#service, `${this.#service}-1`)
    const startedAt = performance.now()
    await this.#mesh.answers(this.#service, 200)
    return `first 200 after ${elapsed(startedAt)} ms`
  }

  async route(): Promise<string> {
    const services = this.#mesh.services
    for (const service of services) {
      await this.#mesh.answers(service, 200)
      await this.#mesh.until(`/${service}/ answers`, async () => {
        const { status, body } = await readProxied(this.#stack.proxyUrl, 'localhost', {
          path: `/${service}/x`,
        })
        // The prefix is stripped on the way.
        return status === 200 && (JSON.parse(body) as { path: string }).path === '/x'
      })
    }
    return services.map((service) => `${service}.${this.#stack.hostSuffix} and /${service}/`).join(', ')
  }

  async chain(): Promise<string> {
    const [web = ''] = this.#mesh.services
    const { status, body } = await readProxied(this.#stack.proxyUrl, this.#mesh.host(web))
    interface Answer {
      readonly instance: string
      readonly called?: Answer
    }
    const names: string[] = []
    for (let answer: Answer | undefined = JSON.parse(body); answer; answer = answer.called)
      names.push(answer.instance)
    if (status !== 200 || names.length !== 3) throw new Error(`answered ${status}: ${body.trim()}`)
    return names.join(' -> ')
  }

  async kill(): Promise<string> {
    const [victim] = this.#mesh.instancesOf(this.#mesh.services[1]!)
    // Until then there is nobody to take over.
    await this.#mesh.allHaveWeight(victim!.sample.service)
    return this.#underRequests(1, async () => {
      await victim!.kill()
      return `${victim!.sample.id} killed with SIGKILL`
    })
  }

  async deregister(): Promise<string> {
    const [victim] = this.#mesh.instancesOf(this.#mesh.services[2]!)
    const target = `127.0.0.1:${victim!.port}`
    const result = await this.#underRequests(2, async () => {
      const startedAt = performance.now()
      await victim!.deregister()
      await this.#mesh.until(
        `${target} left Kong`,
        async () => !(await this.#mesh.hasTarget(victim!.sample.service, target)),
      )
      return `${victim!.sample.id} out of Kong after ${elapsed(startedAt)} ms`
    })
    await victim!.register()
    await this.#mesh.until(`${target} is back`, () => this.#mesh.hasTarget(victim!.sample.service, target))
    return result
  }

  async restartOperator(): Promise<string> {
    return this.#underRequests(2, async () => {
      const startedAt = performance.now()
      await this.#stack.stopOperator()
      await this.#stack.startOperator()
      return `restarted and synced after ${elapsed(startedAt)} ms`
    })
  }

  async switchStrategy(): Promise<string> {
    const service = this.#mesh.services[2]!
    const key = `mesh/services/${service}`
    const before = await this.#stack.agent.readKey(key)
    try {
      return await this.#underRequests(2, async () => {
        const startedAt = performance.now()
        const document = JSON.stringify({ loadBalancing: { strategy: 'least_connections' } })
        await this.#stack.agent.writeKey(key, document)
        await this.#mesh.until(`${service} balances by least-connections`, async () => {
          const upstream = await this.#mesh.admin<{ algorithm: string }>(
            `/upstreams/${upstreamName(service)}`,
          )
          return upstream.algorithm === 'least-connections'
        })
        return `${key} reached Kong after ${elapsed(startedAt)} ms`
      })
    } finally {
      await (before === undefined
        ? this.#stack.agent.deleteKey(key)
        : this.#stack.agent.writeKey(key, before))
    }
  }

  async remove(): Promise<string> {
    if (!this.#instance) throw new Error('it was never registered')
    const startedAt = performance.now()
    await this.#instance.deregister()
    await this.#mesh.answers(this.#service, 404)
    const afterMs = elapsed(startedAt)
    await this.#instance.stop()
    return `404 after ${afterMs} ms`
  }

  /** Sends requests to one sample service while `act` runs; any that fails fails the check. */
  async #underRequests(serviceIndex: number, act: () => Promise<string>): Promise<string> {
    const loop = startOpenLoop(
      this.#stack.proxyUrl,
      this.#mesh.host(this.#mesh.services[serviceIndex]!),
      PER_SECOND,
    )
    try {
      await this.#mesh.until('requests are under way', () => loop.sent >= WARM_UP_SHOTS)
      const said = await act()
      const acted = loop.sent
      await this.#mesh.until('requests went on', () => loop.sent >= acted + SHOTS_AFTER)
      await loop.stop()
      const summary = `${said}; ${loop.failures.length} of ${loop.sent} requests failed`
      if (loop.failures.length > 0) throw new Error(`${summary}: ${describeFailures(loop.failures)}`)
      return summary
    } finally {
      await loop.stop()
    }
  }
}
