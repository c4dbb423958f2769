/**
 * Counts how long somebody has been silent, in ticks of our own: when this process itself was stopped or starved, the
 * time it did not see counts as one tick only, so that nobody is called hung for it.
 */
export class HangClock {
  readonly #tickMs: number
  readonly #limitMs: number
  #silentMs = 0
  #last: number

  constructor({ tickMs, limitMs, now }: { tickMs: number; limitMs: number; now: number }) {
    this.#tickMs = tickMs
    this.#limitMs = limitMs
    this.#last = now
  }

  /** A sign of life. */
  beat(): void {
    this.#silentMs = 0
  }

  /** @returns whether it has been silent for too long. */
  tick(now: number): boolean {
    this.#silentMs += Math.min(now - this.#last, this.#tickMs * 1.5)
    this.#last = now
    return this.#silentMs > this.#limitMs
  }
}
