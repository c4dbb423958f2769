import { FAILURE, NO_ANSWER, RATE_ONLY, SUCCESS, type Verdict } from './classify.ts'
import { rampPercent } from './ramp.ts'
import type { Recorded } from './records.ts'
import { FAILED, SLOW, UNANSWERED } from './sample.ts'
import type { InstanceState } from './transition.ts'
import type { Window } from './window.ts'

/** What Consul says of an instance. */
export type Health = 'healthy' | 'degraded' | 'unhealthy'

/**
 * Another process keeps it out. When together too many are out, the ejections of one process stay: of each two processes
 * one yields.
 */
export type Elsewhere = 'precedes' | 'yields'

/** The tries that `recentFailures` looks back on. */
export const RECENT_TRIES = 32

/** For so long an answer stands for an instance, whatever its window. */
const ANSWERED_SECONDS = 10

/** What is known of one instance of one upstream; the group decides over it. */
export class InstanceCircuit implements Recorded {
  readonly key: string
  health: Health
  state: InstanceState = 'closed'
  window: Window | null = null
  seenSeconds = 0
  /** Tries of calls that started earlier tell of an older state. */
  freshSinceMs = Number.NEGATIVE_INFINITY
  deadlineMs = 0
  /** Ejected since it gave no answers: it may be back before its time when Consul's check says that it answers again. */
  isSilent = false
  closedSinceMs = Number.NEGATIVE_INFINITY
  attempt = 0
  consecutive = 0
  /** Failures without an answer since the last success. */
  unansweredInARow = 0
  /** Since the last success it gave an answer that is a failure. */
  hasAnsweredBadly = false
  /** Good tries while probing. */
  good = 0
  /** Taken out of rotation: ejected, and no panic. */
  isOut = false
  /** Out by another process; null: by none. */
  elsewhere: Elsewhere | null = null
  /** When that was told last. */
  toldMs = Number.NEGATIVE_INFINITY
  /** It reached a rule and the cap kept it; told once. */
  isOverflow = false
  /** metrics_only: it would be ejected; told once. */
  wouldBeEjected = false
  /** A bit for each of the last tries, 1 for a failed one, the newest lowest. */
  #recent = 0
  #recentTries = 0
  readonly #onForget: (circuit: InstanceCircuit, nowMs: number) => void

  constructor(key: string, health: Health, onForget: (circuit: InstanceCircuit, nowMs: number) => void) {
    this.key = key
    this.health = health
    this.#onForget = onForget
  }

  record(nowMs: number, verdict: Verdict, isSlow: boolean, window: Window, isUnanswered: boolean): void {
    let sample = isSlow ? SLOW : 0
    if (verdict === SUCCESS) {
      this.consecutive = 0
      this.unansweredInARow = 0
      this.hasAnsweredBadly = false
    } else {
      if (verdict === FAILURE && !isUnanswered) this.hasAnsweredBadly = true
      sample |= verdict === NO_ANSWER ? FAILED | UNANSWERED : FAILED
      if (verdict !== RATE_ONLY) this.consecutive += 1
      if (verdict === NO_ANSWER) this.unansweredInARow += 1
    }
    window.record(nowMs, sample)
    this.#recent = (this.#recent << 1) | (verdict === SUCCESS ? 0 : 1)
    if (this.#recentTries < RECENT_TRIES) this.#recentTries += 1
  }

  /** Percent of the last `tries` tries in the window that failed; of all when there are fewer. */
  recentFailures(tries: number): number {
    const count = Math.min(tries, this.#recentTries, this.window?.calls ?? 0)
    if (count === 0) return 0
    const mask = count >= 32 ? 0xffff_ffff : (1 << count) - 1
    return (bitsOf(this.#recent & mask) * 100) / count
  }

  /** Its last try was good, and not long ago. */
  isAnswering(nowMs: number): boolean {
    const isGood = this.#recentTries > 0 && (this.#recent & 1) === 0
    return isGood && nowMs / 1_000 - this.seenSeconds <= ANSWERED_SECONDS
  }

  /** Nothing happened to it, and nothing was counted. */
  get isNew(): boolean {
    return this.state === 'closed' && this.window === null && this.freshSinceMs === Number.NEGATIVE_INFINITY
  }

  /** Counters at zero; verdict and deadlines stay. */
  clear(): void {
    this.window?.clear()
    this.consecutive = 0
    this.unansweredInARow = 0
    this.hasAnsweredBadly = false
    this.good = 0
    this.isOverflow = false
    this.wouldBeEjected = false
    this.#recent = 0
    this.#recentTries = 0
  }

  /** Whole percent of its weight: the rest of a ramp, 0 when it is out. */
  weightPercent(nowMs: number, rampMs: number): number {
    if (this.isOut) return 0
    return this.state === 'closed' ? rampPercent(nowMs - this.closedSinceMs, rampMs) : rampPercent(0, rampMs)
  }

  isDispensable(nowMs: number): boolean {
    return this.state !== 'ejected' || nowMs >= this.deadlineMs
  }

  forget(nowMs: number): void {
    this.clear()
    this.attempt = 0
    this.#onForget(this, nowMs)
  }
}

function bitsOf(mask: number): number {
  let rest = mask - ((mask >>> 1) & 0x5555_5555)
  rest = (rest & 0x3333_3333) + ((rest >>> 2) & 0x3333_3333)
  return Math.imul((rest + (rest >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}
