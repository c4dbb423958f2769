/** One request as the endpoints see it. */

import type { ObjectValue, Value } from '../schema/table.ts'
import type { Collection } from '../store.ts'
import type { Body } from './body.ts'
import type { Database } from './database.ts'
import { inferTypes, nestArguments } from './form-arguments.ts'

export interface AdminRequest {
  readonly method: string
  /** Captured path segments by name, as they were sent (still escaped). */
  readonly params: Readonly<Record<string, string>>
  /** Query arguments: a text, `true` for one without a value, a list for one given several times. */
  readonly query: Readonly<Record<string, Value>>
  readonly body: Body
}

/** A captured segment unescaped; what is no valid escape stays. */
export function param(request: AdminRequest, name: string): string {
  const segment = request.params[name] ?? ''
  try {
    return decodeURIComponent(segment.replace(/%(?![\dA-Fa-f]{2})/g, '%25'))
  } catch {
    return segment // bytes that are no UTF-8 cannot be a name here
  }
}

/**
 * The entity in the body, for the caller to keep. Forms hold texts only: their types come from the schema, which may
 * depend on what is `known` of the entity already (the name of a plugin).
 */
export function inputOf(
  db: Database,
  request: AdminRequest,
  collection: Collection,
  known: ObjectValue = {},
): ObjectValue {
  if (request.body.json) return { ...request.body.json }
  if (!request.body.form) return {}
  const infer = inferTypes(db.schemas[collection], (name) => db.schemas[name as Collection])
  const nested = nestArguments(request.body.form)
  const inferred = infer({ ...known, ...nested })
  for (const name of Object.keys(known)) if (!Object.hasOwn(nested, name)) delete inferred[name]
  return inferred
}

/** As nginx escapes an argument: everything but letters, digits and `-._~`. */
export const escapeArgument = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
