/** The trials of one half-open generation. No permit is ever handed out twice, and there are never fewer than none. */
export class Trials {
  /** How many calls may be trials at once or have been good ones; it may change while they run. */
  permits: number
  succeeded = 0
  /** When the trials that have not reported were admitted, oldest first. */
  readonly #pending: number[] = []

  constructor(permits: number) {
    this.permits = permits
  }

  get left(): number {
    return Math.max(0, this.permits - this.succeeded - this.#pending.length)
  }

  admit(nowMs: number): void {
    this.#pending.push(nowMs)
  }

  /**
   * Takes the report of a trial, whose permit is back unless it `succeeded`; false when every trial has reported already.
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
