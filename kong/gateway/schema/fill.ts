/**
 * What Kong fills in before it checks anything: shorthands spread out, ids and times set, defaults, null for every
 * other missing field, sets without duplicates. A PATCH gets no defaults: what it leaves out stays as it was.
 */

import type { Field, Shorthand } from './field.ts'
import type { FieldErrors } from './field-errors.ts'
import { luaString } from './lua-text.ts'
import { fieldOf, type RecordSchema, schemaOfRecord, subschemaOf } from './record-schema.ts'
import { scalarError } from './scalar.ts'
import {
  deepCopy,
  entriesOf,
  getPath,
  isEqual,
  isSequence,
  isTable,
  type ObjectValue,
  own,
  setOwn,
  type Table,
  toObject,
  type Value,
} from './table.ts'

export interface FillOptions {
  readonly context: 'insert' | 'update' | 'upsert'
  /** The value of a field that Kong sets itself (id, key, time); undefined leaves it to the caller's input. */
  readonly auto?: (name: string, field: Field) => Value | undefined
}

export type Filled =
  | { readonly value: ObjectValue; readonly errors?: undefined }
  | { readonly value?: undefined; readonly errors: FieldErrors }

/** @returns a new record; errors only when a shorthand is wrong, which ends the request there. */
export function fillFields(schema: RecordSchema, input: Table, options: FillOptions): Filled {
  const data = toObject(deepCopy(input))
  const errors = spreadShorthands(schema, data)
  if (errors) return { errors }
  const subschema = subschemaOf(schema, data)
  for (const name of schema.names) {
    const field = fieldOf(schema, subschema, name) as Field
    const filled = fillValue(field, autoValue(name, field, own(data, name), options), options)
    if (filled.errors) return { errors: filled.errors }
    if (filled.value !== undefined) setOwn(data, name, filled.value)
  }
  return { value: data }
}

type FilledValue = { readonly value?: Value | undefined; readonly errors?: FieldErrors | undefined }

function autoValue(
  name: string,
  field: Field,
  value: Value | undefined,
  options: FillOptions,
): Value | undefined {
  if (!field.auto || !options.auto) return value
  if (name === 'updated_at') return options.auto(name, field)
  if (options.context === 'update') return value
  const isFree = value === undefined || (name === 'created_at' && value === null)
  return isFree ? options.auto(name, field) : value
}

function fillValue(field: Field, value: Value | undefined, options: FillOptions): FilledValue {
  if (field.abstract) return { value }
  if (field.type === 'record') {
    const isMissing = value === undefined || value === false // Kong's `or` takes false for nothing
    const isRequired = options.context !== 'update' && field.required === true
    if (value === undefined ? isRequired : value !== null) {
      const given = isMissing ? missingValue(field) : value
      return isTable(given) ? fillFields(schemaOfRecord(field), given, options) : { value: given }
    }
  } else if (isTable(value)) {
    return { value: fillTable(field, value, options) }
  }
  return value === undefined && options.context !== 'update' ? { value: missingValue(field) } : { value }
}

function fillTable(field: Field, value: Table, options: FillOptions): Value {
  const member = field.type === 'map' ? field.values : field.elements
  if (!member || (field.type !== 'map' && !isSequence(value))) return value
  const fill = (item: Value): Value => fillValue(member, item, options).value ?? null
  if (field.type === 'map' && !Array.isArray(value)) {
    const map: ObjectValue = {}
    for (const [key, item] of entriesOf(value)) setOwn(map, String(key), fill(item))
    return map
  }
  const items = Array.isArray(value) ? value : []
  return (field.type === 'set' ? [...new Set(items)] : items).map(fill)
}

/** The default; null where the field may be missing; undefined where that will be an error. */
function missingValue(field: Field): Value | undefined {
  if (field.default !== undefined) return deepCopy(field.default)
  if (field.required !== true) return null
  if (field.type !== 'record' || field.abstract) return undefined
  return fillFields(schemaOfRecord(field), {}, { context: 'insert' }).value
}

function spreadShorthands(schema: RecordSchema, data: ObjectValue): FieldErrors | undefined {
  let errors: FieldErrors | undefined
  for (const [name, shorthand] of schema.shorthands) {
    const value = own(data, name)
    if (value === undefined) continue
    const error = scalarError(shorthand, value) ?? contradiction(name, shorthand, value, data)
    if (error !== undefined) {
      errors ??= new Map()
      errors.set(name, error)
      continue
    }
    delete data[name]
    for (const [key, replacement] of Object.entries(shorthand.func(value) ?? {})) {
      setOwn(data, key, merged(own(data, key), replacement, shorthand))
    }
  }
  return errors
}

function contradiction(
  name: string,
  shorthand: Shorthand,
  value: Value,
  data: ObjectValue,
): string | undefined {
  if (value === null) return undefined
  for (const { path } of shorthand.deprecation?.replaced_with ?? []) {
    const current = getPath(data, path.join('.'))
    if (current === undefined || current === null || current === false || isEqual(current, value)) continue
    return (
      'both deprecated and new field are used but their values mismatch: ' +
      `${name} = ${luaString(value)} vs ${path.join('.')} = ${luaString(current)}`
    )
  }
  return undefined
}

/** A deprecated shorthand only fills gaps; any other overrides what is there. */
function merged(current: Value | undefined, replacement: Value, shorthand: Shorthand): Value {
  const isGap = current === undefined || current === null
  if (!isTable(replacement)) return shorthand.deprecation && !isGap ? current : replacement
  if (!isGap && !isTable(current)) return current // wrong already, and about to be refused for it
  const source = isTable(current) ? toObject(current) : {}
  const target = toObject(replacement)
  if (!shorthand.deprecation) return { ...source, ...target }
  const result: ObjectValue = { ...target }
  for (const [key, value] of Object.entries(source)) {
    if (value !== null || !Object.hasOwn(target, key)) setOwn(result, key, value)
  }
  return result
}

/** Records show the deprecated shorthands of their fields too: each with the value of the field it stands for. */
export function showShorthands(schema: RecordSchema, record: ObjectValue): ObjectValue {
  return eachRecord(schema, record, showShorthands, (shorthand, shown, name) => {
    const path = shorthand.deprecation?.replaced_with[0]?.path
    if (path) setOwn(shown, name, getPath(record, path.join('.')) ?? null)
  })
}

/** The opposite of `showShorthands`, for a record about to be changed. */
export function hideShorthands(schema: RecordSchema, record: ObjectValue): ObjectValue {
  return eachRecord(schema, record, hideShorthands, (shorthand, hidden, name) => {
    if (shorthand.deprecation) delete hidden[name]
  })
}

function eachRecord(
  schema: RecordSchema,
  record: ObjectValue,
  recurse: (schema: RecordSchema, record: ObjectValue) => ObjectValue,
  change: (shorthand: Shorthand, record: ObjectValue, name: string) => void,
): ObjectValue {
  const copy: ObjectValue = { ...record }
  const subschema = subschemaOf(schema, record)
  for (const name of schema.names) {
    const field = fieldOf(schema, subschema, name)
    const value = own(copy, name)
    if (field?.type === 'record' && !field.abstract && isTable(value)) {
      setOwn(copy, name, recurse(schemaOfRecord(field), toObject(value)))
    }
  }
  for (const [name, shorthand] of schema.shorthands) change(shorthand, copy, name)
  return copy
}

/**
 * Values of a PATCH over the ones there are: records field by field, anything else as a whole.
 */
export function mergeValues(schema: RecordSchema, top: ObjectValue, bottom: ObjectValue): ObjectValue {
  const output: ObjectValue = { ...bottom }
  for (const [key, value] of Object.entries(top)) setOwn(output, key, value)
  const subschema = subschemaOf(schema, bottom)
  for (const name of schema.names) {
    const field = fieldOf(schema, subschema, name)
    const [above, below] = [own(top, name), own(bottom, name)]
    if (field?.type !== 'record' || field.abstract || !isTable(above)) continue
    setOwn(
      output,
      name,
      mergeValues(schemaOfRecord(field), toObject(above), isTable(below) ? toObject(below) : {}),
    )
  }
  return output
}
