interface Message {
  readonly at: number
  readonly deliver: () => void
}

/** Delivers messages between named places after random delays, on a clock of its own in ms. */
export class FakeNetwork {
  readonly #random: () => number
  readonly #cut = new Set<string>()
  #queue: Message[] = []
  now = 0

  readonly #slowShare: number

  /** @param slowShare share of messages that take as long as a retransmission */
  constructor(random: () => number, slowShare: number) {
    this.#random = random
    this.#slowShare = slowShare
  }

  cut(a: string, b: string): void {
    this.#cut.add(wire(a, b))
  }

  heal(a: string, b: string): void {
    this.#cut.delete(wire(a, b))
  }

  healAll(): void {
    this.#cut.clear()
  }

  connected(a: string, b: string): boolean {
    return !this.#cut.has(wire(a, b))
  }

  /** Lost when the wire is cut now or at the time of arrival: nobody is told. */
  send(from: string, to: string, deliver: () => void): void {
    if (!this.connected(from, to)) return
    const isSlow = this.#random() < this.#slowShare
    const delayMs = isSlow ? 1500 * this.#random() : 2 + 30 * this.#random()
    this.after(delayMs, () => {
      if (this.connected(from, to)) deliver()
    })
  }

  after(ms: number, deliver: () => void): void {
    this.#queue.push({ at: this.now + ms, deliver })
  }

  /** Moves the clock and delivers what is due, in order. */
  advance(ms: number): void {
    const until = this.now + ms
    for (;;) {
      let first = -1
      this.#queue.forEach((message, at) => {
        if (message.at <= until && (first < 0 || message.at < this.#queue[first]!.at)) first = at
      })
      if (first < 0) break
      const [{ at, deliver }] = this.#queue.splice(first, 1) as [Message]
      this.now = Math.max(this.now, at)
      deliver()
    }
    this.now = until
  }
}

function wire(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
