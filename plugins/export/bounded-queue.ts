/** First in, first out, up to a limit. */
export class BoundedQueue<Item> {
  readonly #limit: number
  readonly #weigh: (item: Item) => number
  #items: Item[] = []
  #weight = 0

  /** @param weigh what an item counts for, of the limit and of what is taken; 1 when not given */
  constructor(limit: number, weigh: (item: Item) => number = () => 1) {
    this.#limit = limit
    this.#weigh = weigh
  }

  get size(): number {
    return this.#items.length
  }

  get weight(): number {
    return this.#weight
  }

  /** False when there is no room. */
  push(item: Item): boolean {
    const weight = this.#weigh(item)
    if (this.#weight + weight > this.#limit) return false
    this.#items.push(item)
    this.#weight += weight
    return true
  }

  /** Takes up to `weight` from the front, and one item at least. */
  take(weight: number): Item[] {
    if (weight >= this.#weight) {
      const all = this.#items
      this.#items = []
      this.#weight = 0
      return all
    }
    let count = 0
    for (let taken = 0; count < this.#items.length; count++) {
      const next = this.#weigh(this.#items[count]!)
      if (count > 0 && taken + next > weight) break
      taken += next
      this.#weight -= next
    }
    return this.#items.splice(0, count)
  }

  /** Puts back what was taken, in front, as much as there is room for. Answers how many found none. */
  putBack(items: readonly Item[]): number {
    const kept: Item[] = []
    for (const item of items) {
      const weight = this.#weigh(item)
      if (this.#weight + weight > this.#limit) break
      this.#weight += weight
      kept.push(item)
    }
    this.#items.unshift(...kept)
    return items.length - kept.length
  }
}
