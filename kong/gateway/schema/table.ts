/**
 * Kong's schemas work on Lua tables, where an array and an object are one type and `[]` equals `{}`.
 * These functions give JSON values the same meaning: a Table is a JSON array (keys 1..n) or object.
 */

export type Value = null | boolean | number | string | Value[] | { [key: string]: Value }
export type ObjectValue = { [key: string]: Value }
export type Table = Value[] | ObjectValue

/** Key of a Table: a 1-based number in an array, a string in an object. */
export type TableKey = string | number

export const isTable = (value: unknown): value is Table => typeof value === 'object' && value !== null

/** An array, or the empty object (which Lua cannot tell from an empty array). */
export const isSequence = (value: unknown): value is Table =>
  Array.isArray(value) || (isTable(value) && Object.keys(value).length === 0)

/** Marks the keys that were positions of an array before the array became an object. */
const POSITION = '\0'

/** The key of a position in an object, for tables with gaps. */
export const positionKey = (position: number): string => `${POSITION}${position}`

export function entriesOf(table: Table): [TableKey, Value][] {
  if (Array.isArray(table)) return table.map((value, index) => [index + 1, value])
  return Object.entries(table).map(([key, value]) => [
    key.startsWith(POSITION) ? Number(key.slice(POSITION.length)) : key,
    value,
  ])
}

/** The value under `key`, never something inherited (`constructor`, `__proto__`). */
export function own(table: unknown, key: string): Value | undefined {
  if (!isTable(table) || Array.isArray(table)) return undefined
  return Object.hasOwn(table, key) ? table[key] : undefined
}

/** Assigns an own property whatever the key is called; `__proto__` stays data and never becomes a prototype. */
export function setOwn<T>(object: { [key: string]: T }, key: string, value: T): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  } else {
    object[key] = value
  }
}

/** A Table as an object, so that fields can be added; `entriesOf` still gives an array's positions as numbers. */
export function toObject(table: Table): ObjectValue {
  const object: ObjectValue = {}
  if (Array.isArray(table))
    for (const [index, value] of table.entries()) object[positionKey(index + 1)] = value
  else for (const key of Object.keys(table)) setOwn(object, key, table[key] as Value)
  return object
}

export function deepCopy<T extends Value | undefined>(value: T): T {
  if (!isTable(value)) return value
  if (Array.isArray(value)) return value.map((item) => deepCopy(item)) as T
  const copy: ObjectValue = {}
  for (const key of Object.keys(value)) setOwn(copy, key, deepCopy(value[key]))
  return copy as T
}

/** The value at a dotted path (`config.redis.host`). */
export function getPath(table: unknown, path: string): Value | undefined {
  let at: unknown = table
  for (const name of path.split('.')) at = own(at, name)
  return at as Value | undefined
}

export function setPath(object: ObjectValue, path: string, value: Value): void {
  const names = path.split('.')
  const last = names.pop() as string
  let at = object
  for (const name of names) {
    const next = own(at, name)
    if (isTable(next) && !Array.isArray(next)) at = next
    else {
      const created: ObjectValue = {}
      setOwn(at, name, created)
      at = created
    }
  }
  setOwn(at, last, value)
}

/** Neither missing, null, the empty string nor an empty table. */
export function isNonEmpty(value: Value | undefined): boolean {
  if (value === undefined || value === null || value === '') return false
  return !isTable(value) || Object.keys(value).length > 0
}

export function isEqual(a: Value | undefined, b: Value | undefined): boolean {
  if (!isTable(a) || !isTable(b)) return a === b
  const [entriesOfA, entriesOfB] = [entriesOf(a), new Map(entriesOf(b))]
  return (
    entriesOfA.length === entriesOfB.size &&
    entriesOfA.every(([key, value]) => isEqual(value, entriesOfB.get(key)))
  )
}
