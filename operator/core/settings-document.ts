/** The text of one settings document, JSON or YAML, to validated values by dotted path. */

import { parse } from 'yaml'
import { z } from 'zod'
import { closestName } from './closest-name.ts'
import type { Json } from './entity.ts'
import { defaultsDocument, serviceDocument } from './settings-shape.ts'

/** Leaf values by dotted path, `timeouts.readMs`; lists are leaves. */
export type Layer = ReadonlyMap<string, Json>

export type Document =
  | { readonly ok: true; readonly layer: Layer }
  | { readonly ok: false; readonly errors: readonly string[] }

/** Consul refuses values over 512 KiB; nobody writes settings of a tenth of that. */
const MOST_BYTES = 65_536
const MOST_DEPTH = 16

/** @param kind which of the two documents the text is; they differ in `expose` alone */
export function readDocument(kind: 'defaults' | 'service', text: string): Document {
  const size = Buffer.byteLength(text, 'utf8')
  if (size > MOST_BYTES) return refused(`the document has ${size} bytes, at most ${MOST_BYTES} are read`)
  const parsed = parseText(text)
  if (!parsed.ok) return refused(parsed.error)
  const unsafe = unsafeKey(parsed.value, [])
  if (unsafe !== null) return refused(unsafe)
  const schema: z.ZodType = kind === 'defaults' ? defaultsDocument : serviceDocument
  const result = schema.safeParse(parsed.value)
  if (!result.success) return { ok: false, errors: explainIssues(result.error.issues, parsed.value, schema) }
  return { ok: true, layer: new Map(flatten('', result.data as Json)) }
}

/** Issues of the schema as sentences that name the field and what it must be. */
export function explainIssues(
  issues: readonly z.core.$ZodIssue[],
  input: unknown,
  schema: z.ZodType,
): string[] {
  const sentences = issues.flatMap((issue) => {
    const deepest = deepestIssue(issue)
    const path = [...deepest.path]
    if (deepest.code === 'unrecognized_keys') {
      return deepest.keys.map((key) => unknownKey([...path, key], keysAt(schema, path)))
    }
    const field = pathText(path)
    return [`${field === '' ? 'the document' : field} ${deepest.message}, got ${show(valueAt(input, path))}`]
  })
  return [...new Set(sentences)]
}

/** Where an object was meant, its inner fault says more than "must be true, false or an object". */
function deepestIssue(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue
  const inner = issue.errors
    .flat()
    .filter((each) => each.path.length > 0 || each.code === 'unrecognized_keys')
    .sort((left, right) => right.path.length - left.path.length)[0]
  return inner === undefined ? issue : deepestIssue({ ...inner, path: [...issue.path, ...inner.path] })
}

/** The leaf schema at a dotted path, or null; objects inside unions are looked into. */
export function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | null {
  let current: z.ZodType | null = unwrap(schema)
  for (const key of path) {
    if (typeof key === 'number') return null
    const shape: Record<string, z.ZodType> | null = current === null ? null : shapeOf(current)
    const next: z.ZodType | undefined = shape?.[String(key)]
    if (next === undefined) return null
    current = unwrap(next)
  }
  return current
}

/** Dotted paths of every leaf a schema knows. */
export function leafPaths(schema: z.ZodType, prefix = ''): string[] {
  const shape = shapeOf(unwrap(schema))
  if (shape === null) return [prefix]
  const inner = Object.entries(shape).flatMap(([key, value]) =>
    leafPaths(value, prefix === '' ? key : `${prefix}.${key}`),
  )
  return isUnion(unwrap(schema)) ? [prefix, ...inner] : inner
}

type Inner = { shape?: Record<string, z.ZodType>; options?: readonly z.ZodType[] }

/** Only of what may be left out: a list unwraps as well, to its items. */
const unwrap = (schema: z.ZodType): z.ZodType =>
  schema instanceof z.ZodOptional ? unwrap(schema.unwrap() as z.ZodType) : schema

function shapeOf(schema: z.ZodType): Record<string, z.ZodType> | null {
  const inner = schema as Inner
  if (inner.shape !== undefined) return inner.shape
  const option = inner.options?.find((each) => (each as Inner).shape !== undefined)
  return option === undefined ? null : (option as Inner).shape!
}

const isUnion = (schema: z.ZodType): boolean => Array.isArray((schema as Inner).options)

const keysAt = (schema: z.ZodType, path: readonly PropertyKey[]): string[] => {
  const found = schemaAt(schema, path)
  return found === null ? [] : Object.keys(shapeOf(found) ?? {})
}

function unknownKey(path: readonly PropertyKey[], known: readonly string[]): string {
  const meant = closestName(String(path.at(-1)), known)
  const hint =
    meant !== null
      ? `did you mean ${pathText([...path.slice(0, -1), meant])}?`
      : known.length > 0
        ? `known here: ${[...known].sort().join(', ')}`
        : 'take it out'
  return `${pathText(path)} is not a setting; ${hint}`
}

type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string }

/** JSON or YAML; an empty text is an empty document. */
export function parseText(text: string): Parsed {
  if (text.trim() === '') return { ok: true, value: {} }
  try {
    const value: unknown = /^\s*[{[]/.test(text) ? parseEither(text) : parseYaml(text)
    return { ok: true, value: value ?? {} }
  } catch (error) {
    const line = String((error as Error).message).split('\n')[0]
    return { ok: false, error: `the document is neither JSON nor YAML: ${line}` }
  }
}

/** YAML is tried on what looks like JSON too: `{a: 1}` is YAML. The message is that of the JSON parser. */
function parseEither(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    try {
      return parseYaml(text)
    } catch {
      throw error
    }
  }
}

/** Few aliases: a document of a kilobyte must not unfold into gigabytes. */
const parseYaml = (text: string): unknown =>
  parse(text, { schema: 'core', maxAliasCount: 20, logLevel: 'error' })

function unsafeKey(value: unknown, path: readonly PropertyKey[]): string | null {
  if (typeof value !== 'object' || value === null) return null
  if (path.length > MOST_DEPTH) return `${pathText(path)} is nested more than ${MOST_DEPTH} deep`
  for (const [key, member] of Object.entries(value)) {
    const at = [...path, Array.isArray(value) ? Number(key) : key]
    if (key === '__proto__') return `${pathText(at)} is not a setting; take it out`
    const found = unsafeKey(member, at)
    if (found !== null) return found
  }
  return null
}

const refused = (error: string): Document => ({ ok: false, errors: [error] })

export function flatten(prefix: string, value: Json): [string, Json][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[prefix, value]]
  return Object.entries(value as { readonly [key: string]: Json }).flatMap(([key, member]) =>
    member === undefined ? [] : flatten(prefix === '' ? key : `${prefix}.${key}`, member),
  )
}

const pathText = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`,
    '',
  )

const valueAt = (input: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    input,
  )

function show(value: unknown): string {
  const text = value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value))
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
