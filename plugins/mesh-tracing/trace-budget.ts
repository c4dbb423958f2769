/** What is recorded of each service by default: 50 traces a second are plenty to look at, and no load gets more. */
export const DEFAULT_TRACES_PER_SECOND = 50

/** So many seconds' worth may begin at once. */
const BURST_SECONDS = 2
/** From as many services on those that have not used any for a while are forgotten: they have all of it again. */
const MANY_SERVICES = 1_000

interface Bucket {
  left: number
  atMs: number
}

/**
 * How many traces of each service may begin to be recorded: a bucket for each, filled evenly. Traces that others have
 * begun go on as these decided, and requests that fail are told of all the same. Time is passed in.
 */
export class TraceBudget {
  /** Traces that were not recorded for it. */
  limited = 0
  readonly #perMs: number
  readonly #most: number
  readonly #buckets = new Map<string, Bucket>()

  /** @param perSecond for each service; 0: without limit */
  constructor(perSecond: number) {
    this.#perMs = perSecond / 1_000
    this.#most = perSecond * BURST_SECONDS
  }

  /** @param nowMs monotonic */
  take(service: string, nowMs: number): boolean {
    if (this.#most === 0) return true
    const bucket = this.#bucket(service, nowMs)
    bucket.left = this.#filled(bucket, nowMs)
    bucket.atMs = nowMs
    if (bucket.left < 1) {
      this.limited++
      return false
    }
    bucket.left--
    return true
  }

  #bucket(service: string, nowMs: number): Bucket {
    const known = this.#buckets.get(service)
    if (known !== undefined) return known
    if (this.#buckets.size >= MANY_SERVICES) this.#forgetFull(nowMs)
    const bucket = { left: this.#most, atMs: nowMs }
    this.#buckets.set(service, bucket)
    return bucket
  }

  #forgetFull(nowMs: number): void {
    for (const [service, bucket] of this.#buckets) {
      if (this.#filled(bucket, nowMs) >= this.#most) this.#buckets.delete(service)
    }
  }

  #filled({ left, atMs }: Bucket, nowMs: number): number {
    return Math.min(this.#most, left + Math.max(0, nowMs - atMs) * this.#perMs)
  }
}

/** From KONGSUL_PLUGINS_TRACES_PER_SECOND, where Kong's own plugin server has it from as well; the default for what is no such number. */
export function tracesPerSecond(text: string | undefined): number {
  const given = Number(text)
  const isGiven = text !== undefined && text.trim() !== '' && given >= 0 && Number.isFinite(given)
  return isGiven ? given : DEFAULT_TRACES_PER_SECOND
}
