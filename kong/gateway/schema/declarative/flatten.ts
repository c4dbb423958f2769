/**
 * A declarative configuration made into rows: judged as a whole, ids and defaults filled in, references resolved.
 * The steps and their order are those of Kong 3.9.1 (kong/db/schema/others/declarative_config.lua), because they
 * decide which error is seen.
 */

import type { Collection } from '../entities/entity-definition.ts'
import type { Field } from '../field.ts'
import type { FieldError, FieldErrors } from '../field-errors.ts'
import { fillFields } from '../fill.ts'
import { ENTITIES } from '../schemas.ts'
import { deepCopy, isTable, type ObjectValue, own, setOwn, type Value } from '../table.ts'
import { ID } from '../typedefs/automatic.ts'
import { validateRecord } from '../validate.ts'
import { DECLARATIVE_ORDER, type DeclarativeSchema } from './declarative-schema.ts'
import { deterministicId } from './deterministic-id.ts'
import { generateIds, HIDDEN_BY_FIELD, isUnusableName, keyForId } from './generate-ids.ts'
import { migrateRegexPaths } from './migrate-paths.ts'
import { References } from './references.ts'
import { walk } from './walk.ts'

export interface FlattenOptions {
  readonly nowMs: number
  /** The value of a field that Kong sets itself: ids, keys, times. */
  readonly auto: (name: string, field: Field) => Value
}

export type Entities = ReadonlyMap<Collection, ReadonlyMap<string, ObjectValue>>

export type Flattened =
  | { readonly entities: Entities; readonly errors?: undefined }
  | {
      readonly entities?: undefined
      readonly errors: FieldErrors /** With the ids made so far. */
      readonly input: ObjectValue
    }

export function flatten(schema: DeclarativeSchema, given: ObjectValue, options: FlattenOptions): Flattened {
  const input = deepCopy(given)
  migrateRegexPaths(input)
  const refused = validate(schema, input, options)
  if (refused) return { errors: refused, input }
  generateIds(schema, input)
  const filled = fillFields(schema.byName, input, { context: 'insert', auto: options.auto })
  if (filled.errors) return { errors: filled.errors, input }
  const references = new References(schema, filled.value)
  if (references.errors) return { errors: references.errors, input }
  const entities = new Map<Collection, Map<string, ObjectValue>>()
  const errors: FieldErrors = new Map()
  for (const collection of DECLARATIVE_ORDER) {
    const rows = references.rowsOf(collection)
    if (rows.size === 0) continue
    const flat = new Map([...rows].map(([id, row]) => [id, flatRow(schema, references, collection, row)]))
    entities.set(collection, flat)
    const twice = repeatedValue(schema, collection, flat)
    if (twice) errors.set(collection, twice)
  }
  return errors.size > 0 ? { errors, input } : { entities }
}

/** References as names first; when that fails, what they stand for, and the errors of that. */
function validate(
  schema: DeclarativeSchema,
  input: ObjectValue,
  { nowMs, auto }: FlattenOptions,
): FieldErrors | undefined {
  const checks = {
    full: true,
    updating: false,
    nowSeconds: Math.floor(nowMs / 1000),
    schemaNamed: (name: string) => schema.entities[name as Collection],
  }
  const errors = validateRecord(schema.byName, input, checks)
  if (!errors) return undefined
  const copy = deepCopy(input)
  resolveForValidation(schema, copy, auto)
  const fullErrors = validateRecord(schema.byKey, copy, checks)
  return fullErrors && merged(fullErrors, nullErrors(errors))
}

function resolveForValidation(
  schema: DeclarativeSchema,
  input: ObjectValue,
  auto: FlattenOptions['auto'],
): void {
  const byId = new Map<string, ObjectValue>()
  const byName = new Map<string, ObjectValue>()
  walk(schema.entities, input, {
    hides: HIDDEN_BY_FIELD,
    enter: (place) => {
      if (own(place.item, 'id') || isUnusableName(place)) return
      const key = keyForId(place)
      const id = key === undefined ? auto('id', ID) : deterministicId(place.collection, key)
      setOwn(place.item, 'id', id)
    },
    leave: ({ collection, item, parent, field }) => {
      const name = own(item, ENTITIES[collection].endpointKey ?? '')
      byId.set(`${collection} ${String(item['id'])}`, item)
      if (typeof name === 'string' && !byName.has(`${collection} ${name}`))
        byName.set(`${collection} ${name}`, item)
      if (parent && field !== undefined && !own(item, field)) setOwn(item, field, primaryKeyOf(parent.item))
    },
  })
  // Of several with the same id only the last is resolved, as in Kong.
  for (const [key, item] of byId) {
    const collection = key.split(' ')[0] as Collection
    for (const [name, field] of schema.entities[collection].fields) {
      const value = own(item, name)
      if (field.type !== 'foreign' || typeof value !== 'string') continue
      const found = byName.get(`${field.reference} ${value}`) ?? byId.get(`${field.reference} ${value}`)
      if (found) setOwn(item, name, primaryKeyOf(found))
    }
  }
}

function primaryKeyOf(item: ObjectValue): ObjectValue {
  const id = own(item, 'id')
  return id === undefined ? {} : { id }
}

/** Of the first errors only these count beside the second: what stands below a parent may not name it. */
function nullErrors(errors: FieldErrors): FieldErrors {
  const kept: FieldErrors = new Map()
  for (const [key, error] of errors) {
    const inner = error instanceof Map ? nullErrors(error) : error
    if (inner instanceof Map ? inner.size > 0 : inner === 'value must be null') kept.set(key, inner)
  }
  return kept
}

function merged(errors: FieldErrors, more: FieldErrors): FieldErrors {
  const result: FieldErrors = new Map(errors)
  for (const [key, error] of more) {
    const current: FieldError | undefined = result.get(key)
    result.set(key, error instanceof Map && current instanceof Map ? merged(current, error) : error)
  }
  return result
}

function flatRow(
  { entities }: DeclarativeSchema,
  references: References,
  collection: Collection,
  row: ObjectValue,
): ObjectValue {
  const flat: ObjectValue = {}
  for (const [name, field] of entities[collection].fields) {
    const value = own(row, name)
    if (value === undefined) continue
    if (field.type !== 'foreign' || typeof value !== 'string') setOwn(flat, name, value)
    else setOwn(flat, name, references.keyOf(field.reference as Collection, value))
  }
  const ttl = entities[collection].hasTtl ? own(row, 'ttl') : undefined
  if (typeof ttl === 'number') flat['ttl'] = ttl
  return flat
}

/** Only the last violation of a collection is told, as Kong does. */
function repeatedValue(
  { entities }: DeclarativeSchema,
  collection: Collection,
  rows: ReadonlyMap<string, ObjectValue>,
): FieldErrors | undefined {
  const seen = new Set<string>()
  let errors: FieldErrors | undefined
  for (const [id, row] of rows) {
    for (const [name, field] of entities[collection].fields) {
      const value = own(row, name)
      if (!field.unique || value === undefined || value === null) continue
      const key = `${name} ${isTable(value) ? String(own(value, 'id')) : String(value)}`
      if (!seen.has(key)) {
        seen.add(key)
        continue
      }
      const title = own(row, ENTITIES[collection].endpointKey ?? '') ?? id
      const text = `uniqueness violation: '${collection}' entity with ${name} set to '${value}' already declared`
      errors = new Map([[String(title), text]])
    }
  }
  return errors
}
