/** Checks a value that is no table: its type, then its rules. */

import type { Field } from './field.ts'
import { isReference } from './record-schema.ts'
import type { Value } from './table.ts'
import { brokenRule } from './validators.ts'

/** @returns undefined when the value is fine; a missing value is judged like one of the wrong type. */
export function scalarError(field: Field, value: Value | undefined): string | undefined {
  if (value === null) return nullError(field)
  if (field.type === 'integer') {
    if (!Number.isInteger(value)) return 'expected an integer'
  } else if (field.type !== 'any') {
    if (typeof value !== field.type) return `expected a ${field.type}`
  }
  if (field.referenceable && field.type === 'string' && isReference(value)) return undefined
  return brokenRule(value as Value, withoutEmptyStrings(field))
}

/** @returns why a field may not be null; undefined when it may. */
export function nullError(field: Field): string | undefined {
  if (field.ne === null) return field.err ?? 'value must not be null'
  if (field.eq !== undefined && field.eq !== null) return `value must be ${String(field.eq)}`
  return field.required ? 'required field missing' : undefined
}

const nonEmptyStrings = new WeakMap<Field, Field>()

/** Empty strings are refused unless the definition gives a length of its own. */
function withoutEmptyStrings(field: Field): Field {
  if (field.type !== 'string' || field.len_min !== undefined) return field
  let limited = nonEmptyStrings.get(field)
  if (!limited) {
    limited = { ...field, len_min: 1 }
    nonEmptyStrings.set(field, limited)
  }
  return limited
}
