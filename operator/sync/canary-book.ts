import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { KvWriter } from '../consul/kv-writer.ts'
import { type Canary, type CanaryPlan, type Ending, isActive, type Phase } from '../core/canary/canary.ts'
import { canariesIn, canaryKey, canaryText, type ReadCanaries } from '../core/canary/canary-document.ts'
import { endText, ordered } from '../core/canary/next-phase.ts'
import type { Problem } from '../core/problem.ts'
import type { KvRows } from '../core/settings-status.ts'
import { RequestError } from '../http/request-error.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { CanaryEntries, HeldSplitter } from './canary-entries.ts'

export interface CanaryBookOptions {
  readonly writer: KvWriter
  readonly entries: CanaryEntries
  readonly log: Logger
  /** What became of a canary: of each that is otherwise than before. */
  readonly onChange: (canary: Canary) => void
}

/** KV tells of what was written within milliseconds as a rule; a person waits this long at most. */
const MOST_LOOKS = 20
const LOOK_MS = 100
/** How long one that was rolled back by itself is a problem, unless another is started. */
const TOLD_MS = 24 * 3_600_000
/** How long one that has ended is kept in KV. */
const KEPT_MS = 7 * TOLD_MS

/** The canaries of KV, which holds all that is known of them; changed only over what was read. */
export class CanaryBook {
  readonly #options: CanaryBookOptions
  #rows: KvRows = new Map()
  #read: ReadCanaries | null = null
  /** Rows that were written here, by their index before: until KV tells of another one nothing goes on. */
  readonly #written = new Map<string, number>()

  constructor(options: CanaryBookOptions) {
    this.#options = options
  }

  /** Sorted by service. */
  list(): readonly Canary[] {
    const all = [...(this.#read?.canaries.values() ?? [])]
    return all.sort((left, right) => (left.plan.service < right.plan.service ? -1 : 1))
  }

  /** Those that go on, and of which what KV holds is known. */
  active(): readonly Canary[] {
    return this.list().filter((canary) => isActive(canary) && !this.#isWaiting(canary.plan.service))
  }

  get(service: string): Canary | null {
    return this.#read?.canaries.get(service) ?? null
  }

  problems(nowMs: number): readonly Problem[] {
    const unreadable = [...(this.#read?.unreadable ?? [])].map(
      ([service, why]): Problem => ({
        code: 'CANARY_UNREADABLE',
        severity: 'error',
        service,
        message: `KV ${canaryKey(service)} cannot be read and is left alone: ${why}`,
      }),
    )
    return [...unreadable, ...this.list().flatMap((canary) => problemOf(canary, nowMs))]
  }

  /** What KV holds now. */
  setRows(rows: KvRows): void {
    const before = this.#read
    this.#rows = rows
    for (const [key, index] of this.#written) {
      if (rows.get(key)?.index !== index) this.#written.delete(key)
    }
    this.#read = canariesIn(rows)
    for (const canary of this.#read.canaries.values()) {
      const known = before?.canaries.get(canary.plan.service)
      const isNew = before !== null && (known === undefined || canaryText(known) !== canaryText(canary))
      if (isNew) this.#options.onChange(canary)
    }
  }

  /**
   * Writes the canary, its splitter follows.
   * @throws RequestError 409 when somebody else wrote one meanwhile; ConsulError
   */
  async begin(plan: CanaryPlan, by: string, splitter: HeldSplitter, isOwn: boolean): Promise<Canary> {
    const nowMs = Date.now()
    const canary: Canary = {
      id: randomUUID(),
      plan,
      by,
      startedMs: nowMs,
      before: isOwn ? null : splitter.splits,
      phase: { at: 'running', step: 0, sinceMs: nowMs, over: splitter.index },
    }
    if (await this.put(canary)) return canary
    throw new RequestError(409, `a canary of ${plan.service} was written by somebody else meanwhile`)
  }

  /**
   * Ends a canary as a person says. One that takes a step in this moment is looked at again.
   * @throws RequestError 404 without one, 409 when it has ended or is ending, or cannot be ended so; ConsulError
   */
  async end(service: string, how: Exclude<Ending, 'rolled_back'>, reason: string): Promise<Canary> {
    for (let look = 1; look <= MOST_LOOKS; look++) {
      const ended = await this.#endOnce(service, how, reason)
      if (ended !== null) return ended
      await delay(LOOK_MS)
    }
    throw new RequestError(409, `the canary of ${service} went on meanwhile; look at it again`)
  }

  /** @returns null when it is not the one any more that was decided on, or KV has not told of its last step yet */
  async #endOnce(
    service: string,
    how: Exclude<Ending, 'rolled_back'>,
    reason: string,
  ): Promise<Canary | null> {
    const canary = this.get(service)
    if (canary === null)
      throw new RequestError(
        404,
        `there is no canary of ${service}; kongsul canary list shows those there are`,
      )
    const { phase } = canary
    if (phase.at === 'ended' || phase.at === 'ending') {
      throw new RequestError(409, `the canary of ${service} is over: ${endText(phase.how, phase.reason)}`)
    }
    const splitter = await this.#options.entries.splitter(service)
    if (splitter === null && how === 'promoted') {
      const mend = `write it again, or run kongsul canary abort ${service}`
      throw new RequestError(409, `service-splitter ${service} is not there any more: ${mend}`)
    }
    const next = { ...canary, phase: ordered(canary, how, splitter?.index ?? 0, Date.now(), reason) }
    return (await this.move(canary, next.phase)) ? next : null
  }

  /** @returns false when KV holds another one than was read. @throws ConsulError */
  async put(canary: Canary): Promise<boolean> {
    const key = canaryKey(canary.plan.service)
    if (this.#isWaiting(canary.plan.service)) return false
    const index = this.#rows.get(key)?.index ?? 0
    const text = canaryText(canary)
    if (!(await this.#options.writer.write({ key, text, index }))) return false
    // Unless KV has told of it already.
    if ((this.#rows.get(key)?.index ?? 0) === index) {
      this.setRows(new Map(this.#rows).set(key, { text, index }))
      this.#written.set(key, index)
    }
    return true
  }

  /** As `put` with another phase; false also when the canary is not the one any more that was decided on. */
  async move(canary: Canary, phase: Phase): Promise<boolean> {
    return this.isCurrent(canary) && (await this.put({ ...canary, phase }))
  }

  /** Is it still what KV holds? */
  isCurrent(canary: Canary): boolean {
    const now = this.get(canary.plan.service)
    return now !== null && canaryText(now) === canaryText(canary)
  }

  /** Removes from KV what ended long ago. */
  async forgetOld(nowMs: number): Promise<void> {
    for (const { plan, phase } of this.list()) {
      if (phase.at !== 'ended' || nowMs - phase.sinceMs < KEPT_MS) continue
      const key = canaryKey(plan.service)
      const index = this.#rows.get(key)?.index ?? 0
      await this.#options.writer.write({ key, text: null, index }).catch((error: unknown) => {
        const reason = (error as Error).message
        this.#options.log.debug('a canary that is over stays in KV', { key, reason })
      })
    }
  }

  #isWaiting(service: string): boolean {
    return this.#written.has(canaryKey(service))
  }
}

function problemOf({ plan, phase }: Canary, nowMs: number): Problem[] {
  const { service, to } = plan
  const problem = (code: string, message: string): Problem[] => [
    { code, severity: 'warning', service, message },
  ]
  if (phase.at === 'paused') {
    const mend = `put it back, or run kongsul canary promote ${service} or kongsul canary abort ${service}`
    return problem('CANARY_PAUSED', `the canary to ${to} waits: ${phase.reason}; ${mend}`)
  }
  if (phase.at === 'ending' && phase.how === 'rolled_back') {
    return problem('CANARY_ROLLED_BACK', `the canary to ${to} is rolled back: ${phase.reason}`)
  }
  if (phase.at === 'ended' && phase.how === 'rolled_back' && nowMs - phase.sinceMs < TOLD_MS) {
    return problem('CANARY_ROLLED_BACK', `the canary to ${to} is rolled back: ${phase.reason}`)
  }
  return []
}
