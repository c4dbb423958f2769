/** At most `limit` calls at a time; the others wait in the order they came. */
export class Limiter {
  readonly #limit: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(limit: number) {
    this.#limit = Math.max(1, limit)
  }

  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#running < this.#limit) this.#running += 1
    else await new Promise<void>((go) => this.#waiting.push(go))
    try {
      return await call()
    } finally {
      const next = this.#waiting.shift()
      // The place is handed over, so that nobody slips in between.
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}
