/**
 * Rows of KV over a loss of Consul's data: Consul was away and came back without them, nobody deleted them. What is
 * missing then is kept until somebody changes one of the rows.
 */
export class KeptRows<Row> {
  readonly #isSame: (one: Row, other: Row) => boolean
  #read: ReadonlyMap<string, Row> | null = null
  #kept: ReadonlyMap<string, Row> = new Map()

  constructor(isSame: (one: Row, other: Row) => boolean) {
    this.#isSame = isSame
  }

  /** How many rows are only remembered. */
  get lost(): number {
    return this.#kept.size
  }

  /** @returns the rows as they are to be understood */
  accept(read: ReadonlyMap<string, Row>, isLoss: boolean): ReadonlyMap<string, Row> {
    const before = this.#read
    if (before !== null && isLoss) {
      const known = [...before, ...this.#kept]
      this.#kept = new Map(known.filter(([key]) => !read.has(key)))
    } else if (before !== null && this.#kept.size > 0 && !this.#isUnchanged(before, read)) {
      this.#kept = new Map()
    }
    this.#read = read
    return this.#kept.size === 0 ? read : new Map([...read, ...this.#kept])
  }

  #isUnchanged(one: ReadonlyMap<string, Row>, other: ReadonlyMap<string, Row>): boolean {
    if (one.size !== other.size) return false
    return [...one].every(([key, row]) => other.has(key) && this.#isSame(row, other.get(key)!))
  }
}
