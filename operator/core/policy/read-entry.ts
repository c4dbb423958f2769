/** One configuration entry out of Consul's JSON: validated, unknown fields told of and left out. */

import type { z } from 'zod'

export type ReadEntry<T> =
  | { readonly ok: true; readonly value: T; readonly unknown: readonly string[] }
  | { readonly ok: false; readonly errors: readonly string[] }

/**
 * A field that this version does not know must not cost the rest of the entry: Consul gets new ones with every
 * version. What is known and not valid does.
 */
export function readEntry<S extends z.ZodType>(schema: S, raw: unknown): ReadEntry<z.output<S>> {
  const document = withoutNulls(raw)
  const unknown: string[] = []
  let result = schema.safeParse(document)
  const strange = result.success ? [] : result.error.issues.flatMap(strangeKeys)
  for (const path of strange) {
    removeAt(document, path)
    unknown.push(pathText(path))
  }
  if (strange.length > 0) result = schema.safeParse(document)
  if (result.success) return { ok: true, value: result.data, unknown: unknown.sort() }
  const errors = result.error.issues.map((issue) => `${pathText(issue.path) || 'the entry'} ${issue.message}`)
  return { ok: false, errors: [...new Set(errors)] }
}

function strangeKeys(issue: z.core.$ZodIssue): (readonly PropertyKey[])[] {
  return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : []
}

/** Consul writes null for lists and objects that nobody gave. A copy, which may be changed. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((each) => each !== null).map(withoutNulls)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([, member]) => member !== null)
  return Object.fromEntries(members.map(([key, member]) => [key, withoutNulls(member)]))
}

function removeAt(document: unknown, path: readonly PropertyKey[]): void {
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], document)
  if (typeof parent === 'object' && parent !== null) {
    delete (parent as Record<PropertyKey, unknown>)[path.at(-1)!]
  }
}

const pathText = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`,
    '',
  )
