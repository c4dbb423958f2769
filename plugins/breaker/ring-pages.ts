/** A piece of a page of counters. */
export interface Ring {
  readonly page: Uint32Array
  readonly offset: number
}

const RINGS_PER_PAGE = 64

/**
 * Rings of counters cut from large typed arrays: a typed array of its own would cost a circuit more in headers than in
 * counters. Rings given back are used again.
 */
export class RingPages {
  readonly #free = new Map<number, Ring[]>()
  readonly #open = new Map<number, { readonly page: Uint32Array; next: number }>()

  /** `length` counters, all zero. */
  take(length: number): Ring {
    const free = this.#free.get(length)?.pop()
    if (free !== undefined) return free
    let open = this.#open.get(length)
    if (open === undefined || open.next === open.page.length) {
      open = { page: new Uint32Array(length * RINGS_PER_PAGE), next: 0 }
      this.#open.set(length, open)
    }
    const offset = open.next
    open.next += length
    return { page: open.page, offset }
  }

  giveBack({ page, offset }: Ring, length: number): void {
    page.fill(0, offset, offset + length)
    const free = this.#free.get(length)
    if (free === undefined) this.#free.set(length, [{ page, offset }])
    else free.push({ page, offset })
  }
}
