/** Something that has to be done within a time. */
export interface Limited {
  /** By `now()`'s clock, in ms. */
  readonly deadline: number
  onLate(): void
  /** Belongs to the TimeLimit: where it stands in its list, -1 when it does not. */
  placeInLimit: number
}

/**
 * Calls `onLate` of what is still there at its deadline. One timer for all: nearly everything is gone again long
 * before, so that putting something in and taking it out has to be cheap. A list rather than a Set, for the reason that
 * EventTable gives; the last one takes the place of one that leaves.
 */
export class TimeLimit {
  readonly #now: () => number
  readonly #waiting: (Limited | null)[] = []
  #size = 0
  #timer: NodeJS.Timeout | null = null
  #timerAt = Number.POSITIVE_INFINITY

  constructor(now: () => number) {
    this.#now = now
  }

  get size(): number {
    return this.#size
  }

  add(limited: Limited): void {
    if (limited.placeInLimit < 0) {
      limited.placeInLimit = this.#size
      this.#waiting[this.#size++] = limited
    }
    if (limited.deadline < this.#timerAt) this.#arm(limited.deadline)
  }

  remove(limited: Limited): void {
    const place = limited.placeInLimit
    if (place < 0) return
    limited.placeInLimit = -1
    const last = this.#waiting[--this.#size]!
    this.#waiting[this.#size] = null
    if (last === limited) return
    this.#waiting[place] = last
    last.placeInLimit = place
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer)
    while (this.#size > 0) this.remove(this.#waiting[this.#size - 1]!)
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
    for (let i = 0; i < this.#size; i++) {
      const limited = this.#waiting[i]!
      if (limited.deadline <= now) late.push(limited)
      else next = Math.min(next, limited.deadline)
    }
    for (const limited of late) {
      this.remove(limited)
      limited.onLate()
    }
    if (next < this.#timerAt) this.#arm(next)
  }
}
