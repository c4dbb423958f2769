/** First in, first out, up to a limit. */
export class BoundedQueue<Item> {
  readonly #limit: number
  #items: Item[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#items.length
  }

  /** False when there is no room. */
  push(item: Item): boolean {
    if (this.#items.length >= this.#limit) return false
    this.#items.push(item)
    return true
  }

  /** Takes up to `count` from the front. */
  take(count: number): Item[] {
    if (count >= this.#items.length) {
      const all = this.#items
      this.#items = []
      return all
    }
    return this.#items.splice(0, count)
  }

  /** Puts back what was taken, in front, as much as there is room for. Answers how many found none. */
  putBack(items: readonly Item[]): number {
    const room = Math.max(0, this.#limit - this.#items.length)
    this.#items.unshift(...items.slice(0, room))
    return Math.max(0, items.length - room)
  }
}
