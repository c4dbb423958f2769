/** Many may pass at a time, or one alone: a person's read-and-write must not mix with the operator's calls. */
export class Gate {
  #inside = 0
  #alone: Promise<void> | null = null
  #emptied: (() => void) | null = null

  async pass<T>(work: () => Promise<T>): Promise<T> {
    while (this.#alone !== null) await this.#alone
    this.#inside += 1
    try {
      return await work()
    } finally {
      this.#inside -= 1
      if (this.#inside === 0) this.#emptied?.()
    }
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    while (this.#alone !== null) await this.#alone
    let open = (): void => {}
    this.#alone = new Promise((done) => {
      open = done
    })
    try {
      if (this.#inside > 0) {
        await new Promise<void>((done) => {
          this.#emptied = done
        })
        this.#emptied = null
      }
      return await work()
    } finally {
      this.#alone = null
      open()
    }
  }
}
