/**
 * The whole configuration of a Kong without database, as `GET /config` tells it and `POST /config` takes it: lists of
 * rows by collection, references as ids. Whatever kongsul does not know in it stays as it is, row by row.
 */

import { isDeepStrictEqual } from 'node:util'
import type { Change } from './diff.ts'
import { type Entity, type Json, type Kind, type KongState, keyOf } from './entity.ts'
import { bodyFor, entityFromKong, type JsonObject, stateOf } from './kong-json.ts'

export type ConfigDocument = { readonly [collection: string]: Json }

export interface MergedConfig {
  /** The document itself where nothing had to be written. */
  readonly document: ConfigDocument
  /** Keys of the entities whose rows differ from before. */
  readonly written: ReadonlySet<string>
}

/** What Kong holds before it is given anything. */
export const EMPTY_CONFIG: ConfigDocument = { _format_version: '3.0', _transform: false }

/** Everything of the kinds kongsul writes, foreign rows included. */
export function stateOfConfig(document: ConfigDocument): KongState {
  return stateOf(
    KINDS.flatMap((kind) => rowsOf(document, COLLECTION[kind]).map((row) => entityOf(kind, row))),
  )
}

/** Targets of an upstream that get traffic, as `host:port`. */
export function weightedTargets(document: ConfigDocument, upstreamId: string): readonly string[] {
  return rowsOf(document, 'targets')
    .filter((row) => row.upstream === upstreamId && Number(row.weight ?? 100) > 0)
    .map((row) => entityOf('target', row).name)
}

/**
 * The document with the changes in it. Of an entity that is there only the changed fields are replaced; children that
 * cannot be without an entity that goes (Kong's own cascade) go with it.
 * @param nowSeconds creation time of new rows: Kong would give them another each time, and prefers older routes
 */
export function mergeConfig(
  document: ConfigDocument,
  changes: readonly Change[],
  nowSeconds: number,
): MergedConfig {
  const written = new Set<string>()
  const merged: Record<string, Json> = { ...document }
  for (const kind of KINDS) {
    const collection = COLLECTION[kind]
    const ofKind = changes.filter(({ entity }) => entity.kind === kind)
    if (ofKind.length === 0) continue
    const rows = new Map(rowsOf(document, collection).map((row) => [String(row.id), row]))
    for (const change of ofKind) {
      const { id } = change.entity
      const before = rows.get(id)
      const after = rowAfter(change, before, nowSeconds)
      if (isDeepStrictEqual(before, after)) continue
      written.add(keyOf(change.entity))
      if (after === undefined) rows.delete(id)
      else rows.set(id, after)
    }
    merged[collection] = [...rows.values()]
  }
  if (written.size === 0) return { document, written }
  dropOrphans(merged, changes)
  for (const collection of Object.values(COLLECTION)) {
    // An empty list is an object to Lua, and Kong refuses a collection that is one.
    if (Array.isArray(merged[collection]) && merged[collection].length === 0) delete merged[collection]
  }
  return { document: merged, written }
}

const COLLECTION = {
  upstream: 'upstreams',
  target: 'targets',
  service: 'services',
  route: 'routes',
  plugin: 'plugins',
  consumer: 'consumers',
  jwt_secret: 'jwt_secrets',
  keyauth_credential: 'keyauth_credentials',
  acl: 'acls',
  certificate: 'certificates',
  sni: 'snis',
  ca_certificate: 'ca_certificates',
} as const satisfies Record<Kind, string>

const KINDS = Object.keys(COLLECTION) as readonly Kind[]

/** References by the collections that may have them. */
const PARENTS = [
  ['targets', 'upstream', 'upstream'],
  ['plugins', 'service', 'service'],
  ['plugins', 'route', 'route'],
  ['jwt_secrets', 'consumer', 'consumer'],
  ['keyauth_credentials', 'consumer', 'consumer'],
  ['acls', 'consumer', 'consumer'],
  ['plugins', 'consumer', 'consumer'],
  ['snis', 'certificate', 'certificate'],
] as const

function rowsOf(document: ConfigDocument, collection: string): readonly JsonObject[] {
  const rows = document[collection]
  return Array.isArray(rows) ? (rows as JsonObject[]) : []
}

/** Rows never change once they are in a document. */
const entities = new WeakMap<JsonObject, Entity>()

function entityOf(kind: Kind, row: JsonObject): Entity {
  const known = entities.get(row)
  if (known !== undefined) return known
  const entity = entityFromKong(kind, withReferences(row))
  entities.set(row, entity)
  return entity
}

const REFERENCES = ['upstream', 'service', 'route', 'consumer', 'client_certificate', 'certificate'] as const

/** As the Admin API tells them: `service: <id>` here is `service: {id}` there. */
function withReferences(row: JsonObject): JsonObject {
  const named = REFERENCES.filter((name) => typeof row[name] === 'string')
  return { ...row, ...Object.fromEntries(named.map((name) => [name, { id: row[name]! }])) }
}

function rowAfter(
  change: Change,
  before: JsonObject | undefined,
  nowSeconds: number,
): JsonObject | undefined {
  const { action, entity, fields } = change
  if (action === 'delete') return undefined
  const isPart = action === 'update' && before !== undefined
  const body = withoutReferences(bodyFor(entity, isPart ? fields : undefined))
  if (entity.kind === 'target' && !isPart) body.upstream = entity.parent
  return overlaid(before ?? { created_at: nowSeconds }, body)
}

function withoutReferences(body: Record<string, Json>): Record<string, Json> {
  for (const name of REFERENCES) {
    const value = body[name]
    if (isObject(value) && typeof value.id === 'string') body[name] = value.id
  }
  return body
}

/** As Kong's PATCH does it: records are merged, everything else is replaced. */
function overlaid(row: JsonObject, body: JsonObject): JsonObject {
  const result: Record<string, Json> = { ...row }
  for (const [key, value] of Object.entries(body)) {
    const known = result[key]
    const isRecord = isObject(known) && isObject(value) && !MAPS.has(key)
    result[key] = isRecord ? overlaid(known, value) : value
  }
  return result
}

/** Keyed by people: replaced as a whole. */
const MAPS: ReadonlySet<string> = new Set(['headers'])

function dropOrphans(merged: Record<string, Json>, changes: readonly Change[]): void {
  const gone = new Set(
    changes.filter(({ action }) => action === 'delete').map(({ entity }) => `${entity.kind}/${entity.id}`),
  )
  for (const [collection, field, kind] of PARENTS) {
    const rows = rowsOf(merged, collection)
    const kept = rows.filter((row) => !gone.has(`${kind}/${String(row[field])}`))
    if (kept.length < rows.length) merged[collection] = kept
  }
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
