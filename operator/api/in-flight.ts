/**
 * How many requests are in flight at an instance, on average of the last seconds: the sum of how long they took over the
 * time they took it in (Little's law). What is told is told after a request has ended; more is not known outside Kong.
 */
export class InFlight {
  readonly #seconds: { second: number; readonly busyMs: Map<string, number> }[] = []

  /** @param key of the instance. @param nowMs monotonic */
  note(key: string, durationMs: number, nowMs: number): void {
    const second = Math.floor(nowMs / 1000)
    let bucket = this.#seconds.at(-1)
    if (bucket === undefined || bucket.second !== second) {
      bucket = { second, busyMs: new Map() }
      this.#seconds.push(bucket)
      while (this.#seconds[0]!.second <= second - WINDOW_SECONDS) this.#seconds.shift()
    }
    if (!bucket.busyMs.has(key) && bucket.busyMs.size >= MOST_KEYS) return
    bucket.busyMs.set(key, (bucket.busyMs.get(key) ?? 0) + durationMs)
  }

  /** Rounded to a hundredth. */
  at(key: string, nowMs: number): number {
    const from = Math.floor(nowMs / 1000) - WINDOW_SECONDS
    let busyMs = 0
    for (const bucket of this.#seconds) if (bucket.second > from) busyMs += bucket.busyMs.get(key) ?? 0
    return Math.round((busyMs / (WINDOW_SECONDS * 1000)) * 100) / 100
  }
}

const WINDOW_SECONDS = 10
const MOST_KEYS = 20_000
