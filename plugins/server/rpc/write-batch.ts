/**
 * Holds writes back until all requests that have come in are handled, a fraction of a millisecond: a write wakes the peer,
 * which may take the core from us while other requests wait.
 */
export class WriteBatch {
  #actions: (() => void)[] = []
  /** The list of the batch before, to be filled again. */
  #spare: (() => void)[] = []

  /** `action` runs after those given before it. */
  readonly later = (action: () => void): void => {
    if (this.#actions.push(action) === 1) setImmediate(this.#run)
  }

  readonly #run = (): void => {
    const actions = this.#actions
    this.#actions = this.#spare
    this.#spare = actions
    for (const action of actions) action()
    actions.length = 0
  }
}
