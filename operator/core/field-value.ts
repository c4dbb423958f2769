/** Values of fields as Kong compares them. */

import { isSameJson } from './canonical-json.ts'
import type { Json } from './entity.ts'

/** Sets in Kong's schema: their order says nothing, and Kong need not keep it. */
const SETS: ReadonlySet<string> = new Set(['protocols', 'methods', 'snis'])

/** One form for equal values: sets sorted, absent as null. */
export function normalValue(field: string, value: Json | undefined): Json {
  if (value === undefined) return null
  if (SETS.has(field) && Array.isArray(value)) return [...value].sort()
  return value
}

export const isSameFieldValue = (field: string, left: Json | undefined, right: Json | undefined): boolean =>
  isSameJson(normalValue(field, left), normalValue(field, right))
