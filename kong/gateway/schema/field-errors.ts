/** Errors of a table, by field name or 1-based position; nested tables have nested errors. */

import type { TableKey, Value } from './table.ts'
import { type ObjectValue, setOwn } from './table.ts'

export type FieldError = string | FieldErrors
export type FieldErrors = Map<TableKey, FieldError>

export const ENTITY = '@entity'

export function addEntityError(errors: FieldErrors, text: string): void {
  let list = errors.get(ENTITY)
  if (!(list instanceof Map)) {
    list = new Map()
    errors.set(ENTITY, list)
  }
  list.set(list.size + 1, text)
}

/** Sets an error at a dotted path of fields, making the tables in between. */
export function setErrorAt(errors: FieldErrors, path: string, error: FieldError): void {
  const names = path.split('.')
  const last = names.pop() as string
  let at = errors
  for (const name of names) {
    const next = at.get(name)
    if (next instanceof Map) at = next
    else {
      const created: FieldErrors = new Map()
      at.set(name, created)
      at = created
    }
  }
  at.set(last, error)
}

/**
 * The errors as Kong's JSON encoder writes them: only numbers as keys make an array (positions without an error
 * are null), anything else an object.
 */
export function errorsToJson(error: FieldError): Value {
  if (typeof error === 'string') return error
  const keys = [...error.keys()]
  if (keys.length > 0 && keys.every((key) => typeof key === 'number')) {
    const array: Value[] = []
    for (const [key, value] of error) array[(key as number) - 1] = errorsToJson(value)
    return Array.from(array, (value) => value ?? null)
  }
  const object: ObjectValue = {}
  for (const [key, value] of error) setOwn(object, String(key), errorsToJson(value))
  return object
}
