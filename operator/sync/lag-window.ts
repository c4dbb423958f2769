const SIZE = 500

/** The lags of the last changes, in ms, for the status; the histogram in /metrics has all of them. */
export class LagWindow {
  readonly #lags: number[] = []
  #next = 0

  add(lagMs: number): void {
    this.#lags[this.#next] = lagMs
    this.#next = (this.#next + 1) % SIZE
  }

  /** null before the first change. */
  summary(): { readonly last: number; readonly p50: number; readonly p95: number } | null {
    const last = this.#lags[(this.#next + SIZE - 1) % SIZE]
    if (last === undefined) return null
    const sorted = [...this.#lags].sort((a, b) => a - b)
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
    return { last, p50: at(0.5), p95: at(0.95) }
  }
}
