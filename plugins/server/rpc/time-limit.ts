/** Something that has to be done within a time. */
export interface Limited {
  /** By `now()`'s clock, in ms. */
  readonly deadline: number
  onLate(): void
}

/**
 * Calls `onLate` of what is still there at its deadline. One timer for all: nearly everything is gone again long
 * before, so that putting something in and taking it out has to be cheap.
 */
export class TimeLimit {
  readonly #now: () => number
  readonly #waiting = new Set<Limited>()
  #timer: NodeJS.Timeout | null = null
  #timerAt = Number.POSITIVE_INFINITY

  constructor(now: () => number) {
    this.#now = now
  }

  get size(): number {
    return this.#waiting.size
  }

  add(limited: Limited): void {
    this.#waiting.add(limited)
    if (limited.deadline < this.#timerAt) this.#arm(limited.deadline)
  }

  remove(limited: Limited): void {
    this.#waiting.delete(limited)
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#waiting.clear()
    this.#timer = null
    this.#timerAt = Number.POSITIVE_INFINITY
  }

  #arm(at: number): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setTimeout(() => this.#fire(), Math.max(1, Math.ceil(at - this.#now())))
    this.#timer.unref()
  }

  #fire(): void {
    this.#timer = null
    this.#timerAt = Number.POSITIVE_INFINITY
    const now = this.#now()
    let next = Number.POSITIVE_INFINITY
    const late: Limited[] = []
    for (const limited of this.#waiting) {
      if (limited.deadline <= now) late.push(limited)
      else next = Math.min(next, limited.deadline)
    }
    for (const limited of late) {
      this.#waiting.delete(limited)
      limited.onLate()
    }
    if (next < this.#timerAt) this.#arm(next)
  }
}
