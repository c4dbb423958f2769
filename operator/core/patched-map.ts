/**
 * A map as it is after some changes to another one, which stays as it was: made in the time of the changes, not of the
 * map. Keys that come are last in its order.
 */
export function patchedMap<K, V>(
  before: ReadonlyMap<K, V>,
  removed: Iterable<K>,
  added: Iterable<readonly [K, V]>,
): ReadonlyMap<K, V> {
  const [base, known] = before instanceof PatchedMap ? before.parts() : [before, new Map<K, Change<V>>()]
  const changes = new Map<K, Change<V>>(known)
  for (const key of removed) changes.set(key, null)
  for (const [key, value] of added) changes.set(key, { value })
  const map = new PatchedMap(base, changes)
  return changes.size > base.size / MOST_CHANGED ? new Map(map) : map
}

/** More than this part of a map changed: a copy costs less than looking twice. */
const MOST_CHANGED = 10

/** null: the key is gone. */
type Change<V> = { readonly value: V } | null

class PatchedMap<K, V> implements ReadonlyMap<K, V> {
  readonly size: number
  readonly #base: ReadonlyMap<K, V>
  readonly #changes: ReadonlyMap<K, Change<V>>

  constructor(base: ReadonlyMap<K, V>, changes: ReadonlyMap<K, Change<V>>) {
    this.#base = base
    this.#changes = changes
    let size = base.size
    for (const [key, change] of changes) size += Number(change !== null) - Number(base.has(key))
    this.size = size
  }

  parts(): [ReadonlyMap<K, V>, ReadonlyMap<K, Change<V>>] {
    return [this.#base, this.#changes]
  }

  get(key: K): V | undefined {
    const change = this.#changes.get(key)
    return change === undefined ? this.#base.get(key) : change?.value
  }

  has(key: K): boolean {
    const change = this.#changes.get(key)
    return change === undefined ? this.#base.has(key) : change !== null
  }

  *entries(): Generator<[K, V], undefined> {
    for (const [key, value] of this.#base) {
      const change = this.#changes.get(key)
      if (change === undefined) yield [key, value]
      else if (change !== null) yield [key, change.value]
    }
    for (const [key, change] of this.#changes)
      if (change !== null && !this.#base.has(key)) yield [key, change.value]
  }

  *keys(): Generator<K, undefined> {
    for (const [key] of this.entries()) yield key
  }

  *values(): Generator<V, undefined> {
    for (const [, value] of this.entries()) yield value
  }

  [Symbol.iterator](): Generator<[K, V], undefined> {
    return this.entries()
  }

  forEach(call: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this.entries()) call(value, key, this)
  }
}
