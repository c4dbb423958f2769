/** Permits of one half-open generation. None is ever handed out twice, and none below zero. */
export class Trials {
  left: number
  succeeded = 0
  /** When the trials that have not reported were admitted, oldest first. */
  readonly #pending: number[] = []

  constructor(permits: number) {
    this.left = permits
  }

  admit(nowMs: number): void {
    this.left -= 1
    this.#pending.push(nowMs)
  }

  /**
   * Takes the report of a trial; false when every trial has reported already.
   *
   * @param startedAtMs a request starts before it is admitted: its trial is the oldest one not older than it
   */
  settle(startedAtMs: number): boolean {
    if (this.#pending.length === 0) return false
    const admittedMs = this.#pending
      .filter((each) => each >= startedAtMs)
      .reduce(min, Number.POSITIVE_INFINITY)
    this.#pending.splice(Math.max(0, this.#pending.indexOf(admittedMs)), 1)
    return true
  }

  giveBack(): void {
    this.left += 1
  }

  /** When the oldest trial that has not reported was admitted; Infinity when there is none. */
  get oldestMs(): number {
    return this.#pending.reduce(min, Number.POSITIVE_INFINITY)
  }

  get newestMs(): number {
    return this.#pending.reduce(max, Number.NEGATIVE_INFINITY)
  }
}

// The first admitted is not the oldest when the clock was set back between two of them.
const min = (one: number, other: number): number => Math.min(one, other)
const max = (one: number, other: number): number => Math.max(one, other)
