/** Between Kong's JSON and entities: nested objects become dotted fields and back. */

import type { Entity, Json, Kind, KongState } from './entity.ts'
import { isCallerKind, keyOf } from './entity.ts'
import { sharedFields, sharedText } from './shared.ts'
import { keptTag, ownerOf } from './tags.ts'
import { normalTarget } from './target-address.ts'

export type JsonObject = { readonly [key: string]: Json }

/**
 * One row of Kong's Admin API (or of a /config document) as an entity with all its fields.
 * What names it (`name`, `target`, ...) is not among the fields.
 */
export function entityFromKong(kind: Kind, row: JsonObject): Entity {
  const texts = Array.isArray(row.tags)
    ? row.tags.filter((tag): tag is string => typeof tag === 'string')
    : []
  const tags = texts.map((text) => keptTag(kind, text))
  const fields: Record<string, Json> = {}
  for (const [key, value] of Object.entries(row)) {
    if (key !== '__proto__' && !IDENTITY.has(key) && key !== nameKey(kind) && key !== parentKey(kind))
      flatten(key, value, fields)
  }
  const name = textOf(row[nameKey(kind)])
  return {
    kind,
    id: textOf(row.id),
    name: kind === 'target' ? normalTarget(name) : name,
    owner: sharedText(ownerOf(tags)),
    parent: referenceId(parentOf(kind, row)),
    fields: sharedFields(kind, fields),
    tags,
  }
}

/**
 * The body that writes an entity: all of it (create; PUT or POST), or only the given fields (PATCH). `fields` are
 * dotted paths as in `Change.fields`, with `tags` and `name` where these change.
 */
export function bodyFor(entity: Entity, fields?: readonly string[]): Record<string, Json> {
  const body: Record<string, Json> = {}
  const isNamed = (what: string): boolean => fields === undefined || fields.includes(what)
  if (fields === undefined) body.id = entity.id
  if (isNamed('name') && entity.name !== '') body[nameKey(entity.kind)] = entity.name
  for (const [path, value] of Object.entries(entity.fields)) {
    if (isNamed(path)) nest(body, path.split('.'), value)
  }
  if (isNamed('tags')) body.tags = entity.tags
  return body
}

export const stateOf = (entities: Iterable<Entity>): KongState =>
  new Map(Array.from(entities, (entity) => [keyOf(entity), entity]))

const IDENTITY: ReadonlySet<string> = new Set(['id', 'tags', 'created_at', 'updated_at', 'ws_id'])

/** Changed as a whole. A plugin's configuration may have records of these names, which are none. */
const REFERENCES: ReadonlySet<string> = new Set([
  'service',
  'route',
  'consumer',
  'client_certificate',
  'certificate',
])

/** Keyed by people (header names): changed as a whole. */
const isMap = (path: string): boolean => path === 'headers' || path.endsWith('.headers')

/** A key of key-auth is no name: names are shown. */
const NAME_KEYS: Partial<Record<Kind, string>> = {
  target: 'target',
  consumer: 'username',
  jwt_secret: 'key',
  keyauth_credential: '',
  acl: 'group',
}

const nameKey = (kind: Kind): string => NAME_KEYS[kind] ?? 'name'

const parentOf = (kind: Kind, row: JsonObject): Json | undefined => {
  if (kind === 'target') return row.upstream
  if (kind === 'upstream') return null
  if (kind === 'sni') return row.certificate
  return isCallerKind(kind) ? row.consumer : row.service
}

/** A target never moves to another upstream, so its reference is no field; a route's service can be edited. */
const parentKey = (kind: Kind): string => (kind === 'target' ? 'upstream' : '')

function flatten(path: string, value: Json, into: Record<string, Json>): void {
  if (!isObject(value) || REFERENCES.has(path) || isMap(path) || !isNestable(value)) {
    into[path] = value ?? null
    return
  }
  for (const [key, member] of Object.entries(value)) flatten(`${path}.${key}`, member, into)
}

const isNestable = (value: JsonObject): boolean => {
  const keys = Object.keys(value)
  return keys.length > 0 && keys.every((key) => key !== '' && key !== '__proto__' && !key.includes('.'))
}

function nest(into: Record<string, Json>, path: readonly string[], value: Json): void {
  const [key, ...rest] = path as [string, ...string[]]
  if (rest.length === 0) {
    into[key] = value
    return
  }
  const inner = into[key]
  const child: Record<string, Json> = isObject(inner) ? (inner as Record<string, Json>) : {}
  into[key] = child
  nest(child, rest, value)
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '')

const referenceId = (value: Json | undefined): string => (isObject(value) ? textOf(value.id) : textOf(value))
