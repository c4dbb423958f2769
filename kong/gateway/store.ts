/**
 * The gateway's database: rows in memory, exactly as Kong's Admin API shows them, found by id, unique field, foreign
 * key and tag without searching. Listeners hear of every change at once. cluster/ keeps them in a file. Rows are never changed in place: a change puts a new row under the same id.
 */

import type { Collection } from './schema/entities/entity-definition.ts'
import { COLLECTIONS, ENTITIES, REFERENCES } from './schema/schemas.ts'
import { SortedIds } from './sorted-ids.ts'

export type { Collection } from './schema/entities/entity-definition.ts'

export interface Row {
  readonly id: string
  readonly created_at: number
  readonly updated_at: number
  readonly tags: string[] | null
  readonly [field: string]: unknown
}

export interface Change {
  readonly collection: Collection
  readonly id: string
  readonly before: Row | undefined
  readonly after: Row | undefined
}

export class Store {
  readonly #tables = new Map(COLLECTIONS.map((collection) => [collection, new Table(collection)]))
  readonly #listeners = new Set<(change: Change) => void>()
  /** Of the declarative configuration these rows come from; undefined when they come from nowhere. */
  configurationHash: string | undefined

  get(collection: Collection, id: string): Row | undefined {
    return this.#table(collection).rows.get(id)
  }

  /** In the order of their ids, as Kong pages; `after` is the last id of the page before. */
  *all(collection: Collection, after = ''): Iterable<Row> {
    const table = this.#table(collection)
    for (const id of table.ids.from(after)) yield table.rows.get(id) as Row
  }

  count(collection: Collection): number {
    return this.#table(collection).rows.size
  }

  /** The row whose unique field has this value; `fields` is one name, or the names that are unique together. */
  find(collection: Collection, fields: string, value: string): Row | undefined {
    const table = this.#table(collection)
    const id = table.unique.get(fields)?.get(value)
    return id === undefined ? undefined : table.rows.get(id)
  }

  /** The row that is like `row` in the fields that must be unique together (plugins, targets, acls). */
  findTwin(collection: Collection, row: Row): Row | undefined {
    const fields = ENTITIES[collection].uniqueTogether
    return fields && this.find(collection, fields.join(), keyOf(row, fields) as string)
  }

  /** Rows that refer to `parentId` in `field`, by id. */
  *children(collection: Collection, field: string, parentId: string, after = ''): Iterable<Row> {
    const table = this.#table(collection)
    for (const id of table.foreign.get(field)?.get(parentId)?.from(after) ?? [])
      yield table.rows.get(id) as Row
  }

  /** Rows with a tag, by id. */
  *tagged(collection: Collection, tag: string, after = ''): Iterable<Row> {
    const table = this.#table(collection)
    for (const id of table.tags.get(tag)?.from(after) ?? []) yield table.rows.get(id) as Row
  }

  put(collection: Collection, row: Row): void {
    const before = this.#table(collection).put(row)
    this.#changed({ collection, id: row.id, before, after: row })
  }

  delete(collection: Collection, id: string): void {
    const before = this.#table(collection).delete(id)
    if (before) this.#changed({ collection, id, before, after: undefined })
  }

  /**
   * Makes these all the rows there are; one that is the same already is left alone. Children of rows that go away go
   * first, parents of new ones come first.
   */
  replaceAll(rows: ReadonlyMap<Collection, readonly Row[]>): void {
    for (const collection of [...COLLECTIONS].reverse()) {
      const kept = new Set(rows.get(collection)?.map(({ id }) => id))
      for (const { id } of [...this.all(collection)]) if (!kept.has(id)) this.delete(collection, id)
    }
    for (const collection of COLLECTIONS)
      for (const row of rows.get(collection) ?? []) {
        const current = this.get(collection, row.id)
        if (!current || JSON.stringify(current) !== JSON.stringify(row)) this.put(collection, row)
      }
  }

  /** @returns a function that ends it. */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #table(collection: Collection): Table {
    return this.#tables.get(collection) as Table
  }

  #changed(change: Change): void {
    for (const listener of this.#listeners) listener(change)
  }
}

/** One collection with its indices. */
class Table {
  readonly rows = new Map<string, Row>()
  readonly ids = new SortedIds()
  readonly tags = new Map<string, SortedIds>()
  readonly foreign = new Map<string, Map<string, SortedIds>>()
  readonly unique = new Map<string, Map<string, string>>()
  readonly #uniques: readonly (readonly string[])[]

  constructor(collection: Collection) {
    for (const reference of REFERENCES) {
      if (reference.collection === collection) this.foreign.set(reference.field, new Map())
    }
    const definition = ENTITIES[collection]
    const single = definition.fields.flatMap((item) =>
      Object.entries(item).flatMap(([name, field]) => (field.unique ? [[name]] : [])),
    )
    this.#uniques = definition.uniqueTogether ? [...single, definition.uniqueTogether] : single
    for (const fields of this.#uniques) this.unique.set(fields.join(), new Map())
  }

  put(row: Row): Row | undefined {
    const before = this.rows.get(row.id)
    if (before) this.#index(before, false)
    else this.ids.add(row.id)
    this.rows.set(row.id, row)
    this.#index(row, true)
    return before
  }

  delete(id: string): Row | undefined {
    const before = this.rows.get(id)
    if (!before) return undefined
    this.#index(before, false)
    this.ids.delete(id)
    this.rows.delete(id)
    return before
  }

  #index(row: Row, isAdded: boolean): void {
    for (const tag of row.tags ?? []) change(this.tags, tag, row.id, isAdded)
    for (const [field, ids] of this.foreign) {
      const parent = row[field] as { id: string } | null | undefined
      if (parent) change(ids, parent.id, row.id, isAdded)
    }
    for (const fields of this.#uniques) {
      const key = keyOf(row, fields)
      const index = this.unique.get(fields.join())
      if (key === undefined || !index) continue
      if (isAdded) index.set(key, row.id)
      else if (index.get(key) === row.id) index.delete(key)
    }
  }
}

function change(index: Map<string, SortedIds>, key: string, id: string, isAdded: boolean): void {
  let ids = index.get(key)
  if (!ids) {
    ids = new SortedIds()
    index.set(key, ids)
  }
  if (isAdded) ids.add(id)
  else ids.delete(id)
  if (ids.size === 0) index.delete(key)
}

/** The value of a unique field, or of several as one text; null is no value for one, but one among several. */
function keyOf(row: Row, fields: readonly string[]): string | undefined {
  if (fields.length === 1) {
    const value = row[fields[0] as string]
    return typeof value === 'string' ? value : undefined
  }
  const values = fields.map((field) => {
    const value = row[field]
    return typeof value === 'object' && value !== null ? (value as { id: string }).id : (value ?? null)
  })
  return JSON.stringify(values)
}
