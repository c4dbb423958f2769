/** Ids in order, for pages: insertion and removal by binary search. */

export class SortedIds {
  readonly #ids: string[] = []

  get size(): number {
    return this.#ids.length
  }

  add(id: string): void {
    const at = this.#position(id)
    if (this.#ids[at] !== id) this.#ids.splice(at, 0, id)
  }

  delete(id: string): void {
    const at = this.#position(id)
    if (this.#ids[at] === id) this.#ids.splice(at, 1)
  }

  has(id: string): boolean {
    return this.#ids[this.#position(id)] === id
  }

  /** Ids greater than `after`; all when it is ''. */
  *from(after: string): Iterable<string> {
    let at = after === '' ? 0 : this.#position(after)
    if (this.#ids[at] === after) at++
    for (; at < this.#ids.length; at++) yield this.#ids[at] as string
  }

  #position(id: string): number {
    let [low, high] = [0, this.#ids.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#ids[middle] as string) < id) low = middle + 1
      else high = middle
    }
    return low
  }
}
