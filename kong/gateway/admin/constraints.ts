/** What Kong leaves to Postgres: keys that are taken, rows that do not exist, rows that others refer to. */

import { foreignKeyMissing, primaryKeyTaken, stillReferenced, uniqueViolation } from '../schema/kong-error.ts'
import { ENTITIES, REFERENCES } from '../schema/schemas.ts'
import type { ObjectValue, Value } from '../schema/table.ts'
import type { Collection, Row, Store } from '../store.ts'
import { refuse } from './answer.ts'

/** Refuses a row whose id or unique fields another row has. `key` is how the request named the row. */
export function refuseConflicts(
  store: Store,
  collection: Collection,
  row: Row,
  { isNew, key }: { readonly isNew: boolean; readonly key: ObjectValue },
): void {
  const fields = row as unknown as ObjectValue
  if (isNew && store.get(collection, row.id)) {
    // Kong takes the word "key" in Postgres's message for the field of that name.
    if (Object.hasOwn(fields, 'key') && collection !== 'certificates') {
      refuse(uniqueViolation(Object.hasOwn(key, 'key') ? {} : { key: fields['key'] as Value }))
    }
    refuse(primaryKeyTaken(key))
  }
  const together = ENTITIES[collection].uniqueTogether
  const twin = store.findTwin(collection, row)
  if (together && twin && twin.id !== row.id) {
    refuse(uniqueViolation(Object.fromEntries(together.map((name) => [name, fields[name] ?? null]))))
  }
  for (const item of ENTITIES[collection].fields) {
    for (const [name, field] of Object.entries(item)) {
      const value = row[name]
      if (!field.unique || typeof value !== 'string') continue
      const other = store.find(collection, name, value)
      if (other && other.id !== row.id) refuse(uniqueViolation({ [name]: value }))
    }
  }
}

/** Refuses a row that refers to one that does not exist. */
export function refuseMissingParents(store: Store, collection: Collection, row: Row): void {
  for (const { collection: child, field, parent } of REFERENCES) {
    if (child !== collection) continue
    const key = row[field] as { id: string } | null
    if (key && !store.get(parent, key.id)) refuse(foreignKeyMissing(field, parent, key.id))
  }
}

export interface Dependent {
  readonly collection: Collection
  readonly row: Row
}

/** Refuses when something needs the row. @returns the rows that go with it. */
export function refuseReferences(store: Store, collection: Collection, row: Row): readonly Dependent[] {
  const cascade: Dependent[] = []
  for (const { collection: child, field, parent, isCascading } of REFERENCES) {
    if (parent !== collection) continue
    for (const dependent of store.children(child, field, row.id)) {
      if (!isCascading) refuse(stillReferenced(collection, child))
      cascade.push({ collection: child, row: dependent })
    }
  }
  return cascade
}
