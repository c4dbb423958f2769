/**
 * Holds writes back until all requests that have come in are handled, a fraction of a millisecond. A write wakes the peer,
 * which then takes the core from us; waking it once for many answers carries three times the requests.
 */
export class WriteBatch {
  #actions: (() => void)[] = []

  /** `action` runs after those given before it. */
  readonly later = (action: () => void): void => {
    if (this.#actions.push(action) === 1) setImmediate(() => this.#run())
  }

  #run(): void {
    const actions = this.#actions
    this.#actions = []
    for (const action of actions) action()
  }
}
