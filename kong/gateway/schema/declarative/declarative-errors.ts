/** Errors of a declarative configuration: Kong's code 14, whole or by entity (`flatten_errors`). */

import { ENTITY, errorsToJson, type FieldError, type FieldErrors } from '../field-errors.ts'
import { byBytes, prettyLine } from '../lua-text.ts'
import { REFERENCES } from '../schemas.ts'
import { isTable, type ObjectValue, own, setOwn, type TableKey, toObject, type Value } from '../table.ts'
import { UUID } from '../validators.ts'

export interface DeclarativeError {
  readonly status: 400
  readonly body: ObjectValue
}

export function declarativeError(errors: FieldErrors): DeclarativeError {
  const body = {
    code: 14,
    name: 'invalid declarative configuration',
    message: `declarative config is invalid: ${prettyLine(errors)}`,
    fields: errorsToJson(errors),
  }
  return { status: 400, body }
}

/**
 * Errors as a list with the entity each belongs to. What belongs to none is lost where Kong loses it: a reference to
 * nothing is filed under a name, which is no place in a list. Source: kong/db/errors.lua of Kong 3.9.1.
 */
export function flattenedError(errors: FieldErrors, input: ObjectValue): DeclarativeError {
  const found: ObjectValue[] = []
  const rest: FieldErrors = new Map()
  for (const [section, sectionErrors] of lastFirst(errors)) {
    const entities = own(input, String(section))
    if (!(sectionErrors instanceof Map) || !isTable(entities)) {
      rest.set(section, sectionErrors)
      continue
    }
    for (const [at, error] of lastFirst(sectionErrors)) {
      const entity = Array.isArray(entities) && typeof at === 'number' ? entities[at - 1] : undefined
      if (isTable(entity)) addErrors(String(section), toObject(entity), error, found)
    }
  }
  const { body } = declarativeError(rest)
  // An empty list is an object in Kong's JSON.
  return { status: 400, body: { ...body, flattened_errors: found.length > 0 ? found : {} } }
}

function addErrors(collection: string, entity: ObjectValue, error: FieldError, found: ObjectValue[]): void {
  const errors: FieldErrors = error instanceof Map ? new Map(error) : new Map([[ENTITY, error]])
  const key = primaryKey(entity)
  for (const reference of REFERENCES) {
    if (reference.collection === collection) addParentErrors(reference.field, reference.parent)
    if (reference.parent === collection) addChildErrors(reference.collection, reference.field)
  }
  const list = categorised(errors)
  if (list.length === 0) return
  const [name, id, tags] = [own(entity, 'name'), own(entity, 'id'), own(entity, 'tags')]
  const isTags = Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')
  found.push({
    ...(typeof name === 'string' && name !== '' ? { entity_name: name } : {}),
    ...(typeof id === 'string' && UUID.test(id) ? { entity_id: id } : {}),
    ...(isTags ? { entity_tags: tags } : {}),
    entity_type: collection.replace(/s$/, ''),
    entity,
    errors: list,
  })

  function addParentErrors(field: string, parent: string): void {
    const value = own(entity, field)
    if (!isTable(value)) return
    const parentErrors = errors.get(field)
    errors.delete(field)
    const parentKey = primaryKey(value)
    if (parentKey) setOwn(entity, field, parentKey)
    else delete entity[field]
    if (parentErrors !== undefined) addErrors(parent, toObject(value), parentErrors, found)
  }

  function addChildErrors(child: string, field: string): void {
    const children = own(entity, child)
    if (!isTable(children)) return
    const childErrors = errors.get(child)
    delete entity[child]
    errors.delete(child)
    if (!(childErrors instanceof Map) || !Array.isArray(children)) return
    for (const [index, item] of children.entries()) {
      const itemErrors = childErrors.get(index + 1)
      if (itemErrors === undefined || !isTable(item)) continue
      const owned = toObject(item)
      if (key && own(owned, field) === undefined) setOwn(owned, field, key)
      addErrors(child, owned, itemErrors, found)
    }
  }
}

function categorised(errors: FieldErrors, path = ''): ObjectValue[] {
  return lastFirst(errors).flatMap(([key, error]): ObjectValue[] => {
    if (key === ENTITY) return messagesOf(error).map((message) => ({ type: 'entity', message }))
    const field = path === '' ? String(key) : `${path}.${key}`
    return error instanceof Map ? categorised(error, field) : [{ type: 'field', field, message: error }]
  })
}

const messagesOf = (error: FieldError): Value[] =>
  error instanceof Map ? [...error.values()].flatMap(messagesOf) : [error]

function primaryKey(entity: Value): ObjectValue | undefined {
  const id = own(entity, 'id')
  return typeof id === 'string' && UUID.test(id) ? { id } : undefined
}

function lastFirst<T>(map: ReadonlyMap<TableKey, T>): [TableKey, T][] {
  return [...map].sort(([a], [b]) =>
    typeof a === 'number' && typeof b === 'number' ? b - a : byBytes(String(b), String(a)),
  )
}
