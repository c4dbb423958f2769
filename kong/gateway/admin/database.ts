/**
 * Reads and writes of entities as Kong's database layer does them: fill in, resolve names to ids, check, then look for
 * rows in the way. Every function answers with the row as the Admin API shows it, or throws a Refusal.
 */

import { randomBytes, randomUUID } from 'node:crypto'
import type { Field } from '../schema/field.ts'
import { fillFields, hideShorthands, mergeValues, showShorthands } from '../schema/fill.ts'
import {
  foreignKeysUnresolved,
  notFound,
  optionInvalid,
  primaryKeyInvalid,
  primaryKeyTaken,
  schemaViolation,
  uniqueInvalid,
  unsupported,
} from '../schema/kong-error.ts'
import { ENTITIES, type Schemas } from '../schema/schemas.ts'
import { isTable, type ObjectValue, own, setOwn, type Value } from '../schema/table.ts'
import { type Checks, fieldError, primaryKeyError, validateRecord } from '../schema/validate.ts'
import { UUID } from '../schema/validators.ts'
import type { Collection, Row, Store } from '../store.ts'
import { refuse } from './answer.ts'
import { refuseConflicts, refuseMissingParents, refuseReferences } from './constraints.ts'

export interface Database {
  readonly store: Store
  readonly schemas: Schemas
  /** Unix time in ms. */
  readonly now: () => number
  /** DB-less: rows come from /config only; a write is judged as usual and then refused. */
  readonly isDbless?: boolean
}

/** How a request names a row: by its id, or by the field that may stand for it. */
export type Key =
  | { readonly id: string; readonly field?: undefined; readonly value?: undefined }
  | { readonly field: string; readonly value: string; readonly id?: undefined }

/** The key in a URL. Refuses what is neither a UUID nor a possible name. */
export function keyOf(db: Database, collection: Collection, text: string): Key {
  if (UUID.test(text)) return { id: text.toLowerCase() }
  const field = ENTITIES[collection].endpointKey
  if (field === undefined) return refuse(primaryKeyInvalid('expected a valid UUID'))
  const definition = db.schemas[collection].fields.get(field) as Field
  const error = fieldError(definition, text, checksOf(db, false))
  if (error !== undefined) return refuse(uniqueInvalid(field, String(error)))
  return { field, value: text }
}

export function select(db: Database, collection: Collection, key: Key): Row | undefined {
  return key.id === undefined
    ? db.store.find(collection, key.field, key.value)
    : db.store.get(collection, key.id)
}

export function insert(db: Database, collection: Collection, input: ObjectValue): Row {
  const entity = filled(db, collection, input, 'insert')
  resolveForeignKeys(db, collection, entity)
  check(db, collection, entity, false)
  const id = own(entity, 'id')
  if (typeof id !== 'string') return refuse(primaryKeyTaken({ id: null }))
  const key = { id: id.toLowerCase() }
  return write(db, collection, toRow(db, collection, entity), { isNew: true, key, verb: 'create' })
}

/** Changes what the input names; everything else stays. */
export function update(db: Database, collection: Collection, key: Key, input: ObjectValue): Row {
  const changes = filled(db, collection, input, 'update')
  const before = select(db, collection, key)
  if (!before) return refuse(notFound(shownKey(key)))
  const schema = db.schemas[collection]
  const entity = mergeValues(schema, changes, hideShorthands(schema, before as unknown as ObjectValue))
  resolveForeignKeys(db, collection, entity)
  check(db, collection, entity, true)
  const row = { ...toRow(db, collection, entity), id: before.id }
  const other = key.id === undefined ? undefined : own(changes, 'id')
  const intent = { isNew: false, key, verb: 'update' } as const
  if (typeof other !== 'string') return write(db, collection, row, intent)
  // Kong looks for the id in the body when it writes: it is then that row which becomes like this one.
  const id = other.toLowerCase()
  if (!db.store.get(collection, id)) return refuse(notFound(shownKey(key)))
  return write(db, collection, { ...row, id }, intent)
}

/** Replaces the row, or makes it: what the input does not name gets its default. */
export function upsert(db: Database, collection: Collection, key: Key, input: ObjectValue): Row {
  const entity = filled(db, collection, input, 'upsert')
  const before = select(db, collection, key)
  if (key.field !== undefined) setOwn(entity, key.field, key.value as Value)
  resolveForeignKeys(db, collection, entity)
  check(db, collection, entity, false)
  const id = before?.id ?? key.id ?? own(entity, 'id')
  if (typeof id !== 'string') return refuse(primaryKeyTaken(shownKey(key)))
  const row = { ...toRow(db, collection, entity), id: id.toLowerCase() }
  return write(db, collection, row, { isNew: before === undefined, key, verb: 'create or update' })
}

/** Rows that cannot live without it go first; a row that something else needs stays, and so does everything. */
export function remove(db: Database, collection: Collection, row: Row, key: Key = { id: row.id }): void {
  if (db.isDbless) refuse(unsupported('remove', collection, key.field))
  const cascade = refuseReferences(db.store, collection, row)
  for (const child of cascade) db.store.delete(child.collection, child.row.id)
  db.store.delete(collection, row.id)
}

export const shownKey = (key: Key): ObjectValue =>
  key.id === undefined ? { [key.field]: key.value } : { id: key.id }

export function checksOf(db: Database, updating: boolean): Checks {
  return {
    updating,
    nowSeconds: Math.floor(db.now() / 1000),
    schemaNamed: (entity) => db.schemas[entity as Collection],
  }
}

const MAX_TTL_SECONDS = 100_000_000

function filled(
  db: Database,
  collection: Collection,
  input: ObjectValue,
  context: 'insert' | 'update' | 'upsert',
): ObjectValue {
  const now = db.now()
  const ttl = db.schemas[collection].hasTtl ? own(input, 'ttl') : undefined
  if (
    ttl !== undefined &&
    !(Number.isInteger(ttl) && (ttl as number) >= 0 && (ttl as number) <= MAX_TTL_SECONDS)
  ) {
    return refuse(optionInvalid('ttl', `must be an integer between 0 and ${MAX_TTL_SECONDS}`))
  }
  const result = fillFields(db.schemas[collection], input, { context, auto: autoValues(now) })
  return result.errors ? refuse(schemaViolation(result.errors)) : result.value
}

/** What Kong sets itself: ids, keys, times. */
export function autoValues(nowMs: number): (name: string, field: Field) => Value {
  return (_, field) => {
    if (field.uuid) return randomUUID()
    if (field.type === 'string') return randomKey()
    return field.type === 'integer' ? Math.floor(nowMs / 1000) : nowMs / 1000
  }
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** 32 letters and digits; a byte that would favour some of them is left out. */
function randomKey(): string {
  let key = ''
  while (key.length < 32) {
    for (const byte of randomBytes(48)) if (byte < 248 && key.length < 32) key += LETTERS[byte % 62]
  }
  return key
}

function check(db: Database, collection: Collection, entity: ObjectValue, updating: boolean): void {
  const errors = validateRecord(db.schemas[collection], entity, {
    ...checksOf(db, updating),
    full: !updating,
  })
  if (errors) refuse(schemaViolation(errors))
}

/** A foreign key may be given by a unique field of the other entity (`service: {name}`). */
function resolveForeignKeys(db: Database, collection: Collection, entity: ObjectValue): void {
  const unresolved = new Map<string, Map<string, { value: string; parent: string }>>()
  for (const [name, field] of db.schemas[collection].fields) {
    const value = own(entity, name)
    if (field.type !== 'foreign' || !isTable(value) || primaryKeyError(own(value, 'id')) === undefined)
      continue
    const parent = field.reference as Collection
    const missing = new Map<string, { value: string; parent: string }>()
    let found: Row | undefined
    for (const [uniqueName, uniqueField] of db.schemas[parent].fields) {
      const wanted = own(value, uniqueName)
      if (!uniqueField.unique || typeof wanted !== 'string') continue
      if (fieldError(uniqueField, wanted, checksOf(db, false)) !== undefined) continue
      found = db.store.find(parent, uniqueName, wanted)
      if (found) break
      missing.set(uniqueName, { value: wanted, parent })
    }
    if (found) setOwn(entity, name, { id: found.id })
    if (missing.size > 0) unresolved.set(name, missing)
  }
  if (unresolved.size > 0) refuse(foreignKeysUnresolved(unresolved))
}

/** The fields that are stored, ids in lower case, foreign keys without anything but the id. */
export function toRow(
  { schemas }: Pick<Database, 'schemas'>,
  collection: Collection,
  entity: ObjectValue,
): Row {
  const schema = schemas[collection]
  const row: ObjectValue = {}
  for (const [name, field] of schema.fields) {
    if (field.transient) continue
    const value = own(entity, name) ?? null
    if (field.type === 'foreign') {
      const id = own(value, 'id')
      row[name] = typeof id === 'string' ? { id: id.toLowerCase() } : null
    } else if (field.uuid && typeof value === 'string') row[name] = value.toLowerCase()
    else if (field.elements?.uuid && Array.isArray(value))
      row[name] = value.map((id) => String(id).toLowerCase())
    else if (isTable(value) && !Array.isArray(value) && (field.type === 'array' || field.type === 'set'))
      row[name] = []
    else row[name] = value
  }
  if (schema.hasTtl) row['ttl'] = own(entity, 'ttl') || null
  // Kong fills in again when it reads: defaults inside lists and maps, and what one field says of another.
  const read = fillFields(schema, row, { context: 'insert' }).value ?? row
  return showShorthands(schema, read) as unknown as Row
}

interface WriteIntent {
  readonly isNew: boolean
  readonly key: Key
  readonly verb: 'create' | 'update' | 'create or update'
}

function write(db: Database, collection: Collection, row: Row, { isNew, key, verb }: WriteIntent): Row {
  if (db.isDbless) refuse(unsupported(verb, collection, key.field))
  refuseConflicts(db.store, collection, row, { isNew, key: shownKey(key) })
  refuseMissingParents(db.store, collection, row)
  db.store.put(collection, row)
  return row
}
