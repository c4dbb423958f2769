/**
 * Kong's errors as it sends them: code, name, message and the fields concerned. Codes and statuses:
 * kong/db/errors.lua and kong/api/endpoints.lua of Kong 3.9.1.
 */

import { ENTITY, errorsToJson, type FieldErrors } from './field-errors.ts'
import { byBytes, prettyLine, prettyLines } from './lua-text.ts'
import type { ObjectValue, TableKey, Value } from './table.ts'

export interface KongError {
  readonly status: 400 | 404 | 405 | 409
  readonly body: {
    readonly code: number
    readonly name: string
    readonly message: string
    readonly fields?: Value
    readonly options?: Value
  }
}

export function schemaViolation(errors: FieldErrors): KongError {
  const texts: string[] = []
  const entity = errors.get(ENTITY)
  if (entity instanceof Map) for (const text of entity.values()) texts.push(String(text))
  for (const [name, error] of sorted(errors)) {
    if (name === ENTITY) continue
    if (typeof error === 'string') texts.push(`${name}: ${error}`)
    else for (const [key, inner] of sorted(error)) texts.push(`${name}.${key}: ${shownInner(inner)}`)
  }
  const message =
    texts.length === 1
      ? `schema violation (${texts[0]})`
      : `${texts.length} schema violations (${texts.join('; ')})`
  return error(400, 2, 'schema violation', message, { fields: errorsToJson(errors) })
}

/** A violation of one field. */
export const fieldViolation = (name: string, text: string): KongError =>
  schemaViolation(new Map([[name, text]]))

export const primaryKeyInvalid = (text: string): KongError => {
  const fields = { id: text }
  return error(400, 1, 'invalid primary key', `invalid primary key: '${prettyLine(fields)}'`, { fields })
}

export const primaryKeyTaken = (key: ObjectValue): KongError =>
  error(400, 3, 'primary key violation', `primary key violation on key '${prettyLine(key)}'`, { fields: key })

export const foreignKeyMissing = (field: string, reference: string, id: string): KongError => {
  const message = `the foreign key '${prettyLine({ id })}' does not reference an existing '${reference}' entity.`
  return error(400, 4, 'foreign key violation', message, { fields: { [field]: { id } } })
}

export const stillReferenced = (parent: string, child: string): KongError => {
  const message = `an existing '${child}' entity references this '${parent}' entity`
  return error(400, 4, 'foreign key violation', message, { fields: { '@referenced_by': child } })
}

export const uniqueViolation = (key: ObjectValue): KongError => {
  const shown = prettyLine(key).replaceAll('"userdata: NULL"', 'null')
  const message = `UNIQUE violation detected on '${shown}'`
  return error(409, 5, 'unique constraint violation', message, { fields: key })
}

/** A PATCH of something that is not there; `key` is the id, or the field it was asked by. */
export const notFound = (key: ObjectValue): KongError => {
  const what = Object.hasOwn(key, 'id') ? 'primary key ' : ''
  const message = `could not find the entity with ${what}'${prettyLine(key)}'`
  return error(404, 6, 'not found', message, { fields: key })
}

export const offsetInvalid = (offset: string, why: string): KongError =>
  error(400, 7, 'invalid offset', `'${offset}' is not a valid offset: ${why}`)

export const sizeInvalid = (message: string): KongError => error(400, 9, 'invalid size', message)

export const uniqueInvalid = (field: string, message: string): KongError =>
  error(400, 10, `invalid unique ${field}`, message)

export const optionInvalid = (option: string, text: string): KongError =>
  error(400, 11, 'invalid options', `invalid option (${option}: ${text})`, { options: { [option]: text } })

/** Names given as foreign keys that nobody has: by field of the entity, then by field of the other entity. */
export function foreignKeysUnresolved(
  unresolved: ReadonlyMap<string, ReadonlyMap<string, { value: string; parent: string }>>,
): KongError {
  const texts: string[] = []
  const fields: ObjectValue = {}
  for (const [field, names] of sorted(unresolved)) {
    const inner: ObjectValue = {}
    for (const [name, { value, parent }] of sorted(names)) {
      const key = prettyLine({ [name]: value })
      const text = `the foreign key cannot be resolved with '${key}' for an existing '${parent}' entity`
      inner[name] = text
      texts.push(`${field}.${name}: ${text}`)
    }
    fields[field] = inner
  }
  const message =
    texts.length === 1
      ? `foreign key unresolved (${texts[0]})`
      : `${texts.length} foreign keys unresolved (${texts.join('; ')})`
  return error(400, 13, 'foreign keys unresolved', message, { fields })
}

/** A write in DB-less mode; `field` when the row was named by another field than its id. */
export const unsupported = (verb: string, collection: string, field?: string): KongError => {
  const how = field === undefined ? '' : ` by '${field}'`
  const message = `cannot ${verb} '${collection}' entities${how} when not using a database`
  return error(405, 12, 'operation unsupported', message)
}

export const referencedByOthers = (message: string): KongError =>
  error(400, 19, 'referenced by others', message)

const error = (
  status: KongError['status'],
  code: number,
  name: string,
  message: string,
  more: { fields?: Value; options?: Value } = {},
): KongError => ({ status, body: { code, name, message, ...more } })

const shownInner = (value: string | FieldErrors): string =>
  typeof value === 'string' ? value : prettyLines(value)

function sorted<K extends TableKey, T>(map: ReadonlyMap<K, T>): [K, T][] {
  return [...map].sort(([a], [b]) => {
    if (typeof a === 'number' && typeof b === 'number') return a - b
    return byBytes(String(a), String(b))
  })
}
