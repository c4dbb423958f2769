/** Keys that were told of within a time, and nothing of those before. */
export class RecentKeys {
  readonly #forMs: number
  /** Until when, the soonest first. */
  readonly #until = new Map<string, number>()

  constructor(forMs: number) {
    this.#forMs = forMs
  }

  get size(): number {
    return this.#until.size
  }

  add(key: string, nowMs: number): void {
    for (const [old, untilMs] of this.#until) {
      if (untilMs > nowMs) break
      this.#until.delete(old)
    }
    this.#until.delete(key)
    this.#until.set(key, nowMs + this.#forMs)
  }

  has(key: string, nowMs: number): boolean {
    return (this.#until.get(key) ?? 0) > nowMs
  }

  delete(key: string): void {
    this.#until.delete(key)
  }
}
