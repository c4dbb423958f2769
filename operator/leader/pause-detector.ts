export interface PauseDetectorOptions {
  /** A longer gap between two looks at the clock counts as a pause, in ms. */
  readonly limitMs: number
  /** Monotonic, ms. */
  readonly now: () => number
  /** Epoch, ms: goes on where a suspended machine stops the monotonic clock. */
  readonly wallNow: () => number
  /** @param pausedMs how long it did not run by the monotonic clock; no more than the limit where only the other clock moved */
  readonly onPause: (pausedMs: number) => void
}

/**
 * Notices that this process did not run for a while (SIGSTOP, a frozen or suspended machine, a blocked event loop)
 * at its first look at the clock afterwards, before anything else is decided. Needs a look more often than `limitMs`.
 */
export class PauseDetector {
  readonly #options: PauseDetectorOptions
  #lastNow: number
  #lastWall: number

  constructor(options: PauseDetectorOptions) {
    this.#options = options
    this.#lastNow = options.now()
    this.#lastWall = options.wallNow()
  }

  look(): void {
    const now = this.#options.now()
    const wall = this.#options.wallNow()
    const monotonicMs = now - this.#lastNow
    const wallMs = wall - this.#lastWall
    this.#lastNow = now
    this.#lastWall = wall
    const { limitMs } = this.#options
    // A step of the wall clock looks the same as a suspension; being careful for one read costs nothing.
    if (monotonicMs > limitMs || Math.abs(wallMs - monotonicMs) > limitMs) this.#options.onPause(monotonicMs)
  }
}
