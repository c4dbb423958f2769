/** How fast one client may write: a bucket that fills by the second. Time is passed in. */

export interface WriteRate {
  readonly perSecond: number
  readonly burst: number
}

interface Bucket {
  readonly tokens: number
  readonly atMs: number
}

const MOST_CLIENTS = 10_000

export class WriteLimiter {
  readonly #rate: WriteRate
  readonly #buckets = new Map<string, Bucket>()

  constructor(rate: WriteRate) {
    this.#rate = rate
  }

  /**
   * @param nowMs monotonic
   * @returns null when it may be written now, else after how many seconds
   */
  take(client: string, nowMs: number): number | null {
    const { perSecond, burst } = this.#rate
    const before = this.#buckets.get(client) ?? { tokens: burst, atMs: nowMs }
    const tokens = Math.min(burst, before.tokens + ((nowMs - before.atMs) / 1000) * perSecond)
    this.#buckets.delete(client)
    // The one that has not written for longest is full again, or makes room.
    const [oldest] = this.#buckets.size >= MOST_CLIENTS ? this.#buckets.keys() : []
    if (oldest !== undefined) this.#buckets.delete(oldest)
    const isAllowed = tokens >= 1
    this.#buckets.set(client, { tokens: isAllowed ? tokens - 1 : tokens, atMs: nowMs })
    return isAllowed ? null : Math.max(1, Math.ceil((1 - tokens) / perSecond))
  }
}
