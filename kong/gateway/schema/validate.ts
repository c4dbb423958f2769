/** Checks values against their definitions: tables member by member, records with the rules over several fields. */

import { checkEntity } from './entity-checks.ts'
import type { Field } from './field.ts'
import type { FieldError, FieldErrors } from './field-errors.ts'
import { fillFields } from './fill.ts'
import { luaString } from './lua-text.ts'
import { fieldOf, type RecordSchema, schemaOfRecord, subschemaOf } from './record-schema.ts'
import { nullError, scalarError } from './scalar.ts'
import { entriesOf, isSequence, isTable, own, type Table, type Value } from './table.ts'
import { brokenRule, UUID } from './validators.ts'

export interface Checks {
  /** Messages of a PATCH say "when updating". */
  readonly updating: boolean
  /** Unix time; what has a date of expiry is judged by it. */
  readonly nowSeconds: number
  /** The schema of another entity, by its name: what stands where a foreign key should be is judged by it. */
  readonly schemaNamed: (entity: string) => RecordSchema | undefined
}

export interface RecordChecks extends Checks {
  /** Whether missing required fields are errors (not for a PATCH). */
  readonly full: boolean
}

/** Checks a whole record. @returns undefined when all is well. */
export function validateRecord(
  schema: RecordSchema,
  input: Table,
  checks: RecordChecks,
): FieldErrors | undefined {
  const refused = subschemaError(schema, input)
  if (refused) return refused
  const subschema = subschemaOf(schema, input)
  const errors: FieldErrors = new Map()
  for (const [key, value] of entriesOf(input)) {
    const name = String(key)
    if (name === 'updated_at' || (name === 'ttl' && schema.hasTtl)) continue
    const field = fieldOf(schema, subschema, name)
    const error = field ? fieldError(field, value, checks) : 'unknown field'
    if (error !== undefined) errors.set(key, error)
  }
  for (const name of schema.names) {
    const value = own(input, name)
    if (schema.fields.get(name)?.required && (value === null || (checks.full && value === undefined))) {
      errors.set(name, 'required field missing')
    }
  }
  const judge = (field: Field, value: Value | undefined) => fieldError(field, value, checks)
  const context = { input, judge, checks, errors }
  checkEntity(schema, undefined, schema.entityChecks, context)
  if (subschema) checkEntity(schema, subschema, subschema.entityChecks, context)
  return errors.size > 0 ? errors : undefined
}

/** @returns undefined when the value is fine; a missing value is judged like one of the wrong type. */
export function fieldError(field: Field, value: Value | undefined, checks: Checks): FieldError | undefined {
  if (value === null) return nullError(field)
  if (field.eq === null) return field.err ?? 'value must be null'
  if (field.abstract) return 'error in schema definition: abstract field was not specialized'
  switch (field.type) {
    case 'array':
    case 'set':
      if (!isSequence(value)) return field.type === 'array' ? 'expected an array' : 'expected a set'
      return elementErrors(field, value, checks) ?? brokenRule(value, field)
    case 'map':
      if (!isTable(value)) return 'expected a map'
      return mapError(field, value, checks) ?? brokenRule(value, field)
    case 'record':
      if (!isTable(value)) return 'expected a record'
      return recordError(field, value, checks) ?? brokenRule(value, field)
    case 'foreign':
      return foreignError(field, value, checks)
    case 'string':
    case 'number':
    case 'integer':
    case 'boolean':
    case 'any':
      return scalarError(field, value)
    default:
      return `invalid type: ${String(field.type)}`
  }
}

/** Every entity's primary key is `id`, a UUID. */
export function primaryKeyError(id: Value | undefined): string | undefined {
  if (id === undefined || id === false) return 'missing primary key'
  if (id === null) return 'required field missing'
  if (typeof id !== 'string') return 'expected a string'
  return UUID.test(id) ? undefined : 'expected a valid UUID'
}

function subschemaError(schema: RecordSchema, input: Table): FieldErrors | undefined {
  if (schema.subschemaKey === undefined) return undefined
  const key = own(input, schema.subschemaKey)
  if (key === undefined || key === null) return new Map([[schema.subschemaKey, 'required field missing']])
  if (subschemaOf(schema, input)) return undefined
  const shown = isTable(key) ? (Array.isArray(key) ? key[0] : undefined) : key
  const text = (schema.subschemaError ?? 'unknown type: %s').replace('%s', () => luaString(shown))
  return new Map([[schema.subschemaKey, text]])
}

const requiredFields = new WeakMap<Field, Field>()

/** Members of tables may not be null. */
function required(field: Field | undefined): Field {
  if (!field) return { type: 'any' }
  if (field.required) return field
  let copy = requiredFields.get(field)
  if (!copy) {
    copy = { ...field, required: true }
    requiredFields.set(field, copy)
  }
  return copy
}

function elementErrors(field: Field, sequence: Table, checks: Checks): FieldErrors | undefined {
  const elements = required(field.elements)
  let errors: FieldErrors | undefined
  for (const [position, value] of entriesOf(sequence)) {
    const error = fieldError(elements, value, checks)
    if (error === undefined) continue
    errors ??= new Map()
    errors.set(position, error)
  }
  return errors
}

/** A map stops at its first bad key or value and does not say which. */
function mapError(field: Field, map: Table, checks: Checks): FieldError | undefined {
  const keys = required(field.keys)
  const values = required(field.values)
  for (const [key, value] of entriesOf(map)) {
    const error = fieldError(keys, key, checks) ?? fieldError(values, value, checks)
    if (error !== undefined) return error
  }
  return undefined
}

function recordError(field: Field, value: Table, checks: Checks): FieldErrors | undefined {
  const schema = schemaOfRecord(field)
  const filled = fillFields(schema, value, { context: 'insert' })
  if (filled.errors) return filled.errors
  return validateRecord(schema, filled.value, { ...checks, full: true })
}

/**
 * A foreign key is an object with the id of the other entity; whatever else is in it is ignored. Without a good id
 * its other members are judged as fields of the other entity, and those errors come first.
 */
function foreignError(field: Field, value: Value | undefined, checks: Checks): FieldErrors | undefined {
  const error = primaryKeyError(own(value, 'id'))
  if (error === undefined) return undefined
  const schema = checks.schemaNamed(field.reference ?? '')
  const others =
    schema && isTable(value) ? validateRecord(schema, value, { ...checks, full: false }) : undefined
  return others ?? new Map([['id', error]])
}
