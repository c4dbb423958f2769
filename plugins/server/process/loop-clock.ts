/**
 * Since when what is read from a socket may have lain there: since this process looked the time before. Node looks at
 * its sockets once a turn of its loop, so that in a turn that takes 300 ms a request may wait for 300 ms, of which the
 * process knows nothing. Kong's clock runs meanwhile.
 */
export class LoopClock {
  #before: number
  #current: number
  #isOpen = false

  constructor(now: number) {
    this.#before = now
    this.#current = now
  }

  /**
   * To be called with the time by whatever a turn begins with, a timer or a read. An idle process has to call it every
   * now and then by a timer.
   * @returns when the turn before began
   */
  enter(now: number): number {
    if (this.#isOpen) return this.#before
    this.#isOpen = true
    this.#before = this.#current
    this.#current = now
    setImmediate(this.#close)
    return this.#before
  }

  readonly #close = (): void => {
    this.#isOpen = false
  }
}
