/** Files in place of Consul and Kong, for `plan --catalog FILE --actual FILE`. */

import { parse } from 'yaml'
import type { CatalogSnapshot } from './catalog.ts'
import { type ConsulRow, instancesFromRows } from './consul-row.ts'
import type { Json, Kind, KongState } from './entity.ts'
import { entityFromKong, type JsonObject, stateOf } from './kong-json.ts'
import { entityId, targetId, uuidV5 } from './names.ts'
import { normalTarget } from './target-address.ts'

/** A file that is not what it should be; the message names the place. */
export class OfflineFileError extends Error {
  override readonly name = 'OfflineFileError'
}

export interface OfflineCatalog {
  readonly snapshot: CatalogSnapshot
  /** Raw settings documents by KV key. */
  readonly documents: ReadonlyMap<string, string>
}

/**
 * `{services: {<name>: [rows of Consul's /v1/health/service/<name>]}, kv?: {<key>: text or object}}`, JSON or YAML.
 *
 * @throws OfflineFileError
 */
export function parseCatalog(text: string): OfflineCatalog {
  const file = parseFile(text)
  const services = objectAt(file.services, 'services')
  const byName = Object.entries(services).map(
    ([name, rows]): [string, ReturnType<typeof instancesFromRows>] => {
      const list = listAt(rows, `services.${name}`)
      for (const [index, row] of list.entries()) checkRow(row, `services.${name}[${index}]`)
      return [name, instancesFromRows(list as unknown as ConsulRow[])]
    },
  )
  const documents = Object.entries(objectAt(file.kv ?? {}, 'kv')).map(([key, value]): [string, string] => [
    key,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
  return { snapshot: { services: new Map(byName) }, documents: new Map(documents) }
}

/**
 * What Kong holds, JSON or YAML: `{upstreams, targets, services, routes, plugins}` in Kong's own JSON, lists or pages
 * (`{data: []}`); also a declarative file, where targets are inside upstreams and routes inside services and ids may
 * be missing, or the answer of GET /config that holds one.
 *
 * @throws OfflineFileError
 */
export function parseActual(text: string): KongState {
  const outer = parseFile(text)
  const file = typeof outer.config === 'string' ? parseFile(outer.config) : outer
  const rows: Row[] = []
  for (const [kind, key] of COLLECTIONS) collect(rows, kind, file[key] ?? [], key, {})
  const ids = new Map(
    rows.map(({ kind, json }) => [`${kind} ${json.name ?? json.username ?? ''}`, json.id as string]),
  )
  return stateOf(rows.map(({ kind, json }) => entityFromKong(kind, withReferences(json, ids))))
}

interface Row {
  readonly kind: Kind
  readonly json: JsonObject
}

const COLLECTIONS: readonly (readonly [Kind, string])[] = [
  ['upstream', 'upstreams'],
  ['target', 'targets'],
  ['service', 'services'],
  ['route', 'routes'],
  ['plugin', 'plugins'],
  ['consumer', 'consumers'],
  ['jwt_secret', 'jwt_secrets'],
  ['keyauth_credential', 'keyauth_credentials'],
  ['acl', 'acls'],
  ['certificate', 'certificates'],
  ['sni', 'snis'],
  ['ca_certificate', 'ca_certificates'],
]

/** What may be nested in a row of a kind, and the field that then refers to the outer one. */
const NESTED: Readonly<Partial<Record<Kind, readonly (readonly [string, Kind])[]>>> = {
  upstream: [['targets', 'target']],
  service: [
    ['routes', 'route'],
    ['plugins', 'plugin'],
  ],
  route: [['plugins', 'plugin']],
  consumer: [
    ['jwt_secrets', 'jwt_secret'],
    ['keyauth_credentials', 'keyauth_credential'],
    ['acls', 'acl'],
  ],
}

function collect(rows: Row[], kind: Kind, value: Json, where: string, outer: JsonObject): void {
  const list = listAt(isObject(value) && 'data' in value ? value.data! : value, where)
  list.forEach((item, index) => {
    const place = `${where}[${index}]`
    const inner = NESTED[kind] ?? []
    const plain = Object.fromEntries(
      Object.entries(objectAt(item, place)).filter(([key]) => !inner.some(([nested]) => nested === key)),
    )
    const named: JsonObject = { ...plain, ...outer }
    const json: JsonObject = { ...named, id: named.id ?? missingId(kind, named) }
    rows.push({ kind, json })
    for (const [key, nestedKind] of inner) {
      const nested = (item as JsonObject)[key]
      if (nested !== undefined && nested !== null)
        collect(rows, nestedKind, nested, `${place}.${key}`, { [kind]: { id: json.id! } })
    }
  })
}

/** Declarative files leave ids out: ours follow from the names, any other only has to be the same each time. */
function missingId(kind: Kind, json: JsonObject): string {
  const tags = Array.isArray(json.tags) ? json.tags.map(String) : []
  const mesh = tags.find((tag) => tag.startsWith('kongsul.mesh:'))?.slice('kongsul.mesh:'.length)
  const name = String(json.name ?? json.target ?? json.username ?? '')
  if (
    mesh !== undefined &&
    (kind === 'upstream' || kind === 'service' || kind === 'route' || kind === 'consumer')
  ) {
    return entityId(mesh, kind, name)
  }
  if (mesh !== undefined && kind === 'target') {
    const service = tags.find((tag) => tag.startsWith('kongsul.service:'))?.slice('kongsul.service:'.length)
    return targetId(mesh, `${service}.mesh`, normalTarget(name))
  }
  return uuidV5(FILE_NAMESPACE, `${kind}/${name}/${JSON.stringify(json)}`)
}

/** Any fixed UUID of our own: ids made here never reach Kong. */
const FILE_NAMESPACE = 'b2a4e0f6-0d3c-5f2b-9a51-6f0c2d9c7e11'

/** `service: <id or name>` and `service: {name}` as Kong's Admin API answers: `service: {id}`. */
function withReferences(json: JsonObject, ids: ReadonlyMap<string, string>): JsonObject {
  const resolved: Record<string, Json> = { ...json }
  for (const kind of ['service', 'upstream', 'route', 'consumer'] as const) {
    const reference = json[kind]
    const name = isObject(reference) ? (reference.name ?? reference.username) : reference
    if (typeof name !== 'string' || (isObject(reference) && reference.id !== undefined)) continue
    resolved[kind] = { id: ids.get(`${kind} ${name}`) ?? name }
  }
  return resolved
}

function checkRow(row: Json, where: string): void {
  const { Node: node, Service: service } = objectAt(row, where)
  textAt(objectAt(node, `${where}.Node`).Node, `${where}.Node.Node`)
  textAt(objectAt(service, `${where}.Service`).Service, `${where}.Service.Service`)
}

function parseFile(text: string): JsonObject {
  try {
    return objectAt(
      parse(text, { schema: 'core', maxAliasCount: 100, logLevel: 'error' }) as Json,
      'the file',
    )
  } catch (error) {
    if (error instanceof OfflineFileError) throw error
    const line = String((error as Error).message).split('\n')[0]
    throw new OfflineFileError(`the file is neither JSON nor YAML: ${line}`, { cause: error })
  }
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function objectAt(value: Json | undefined, where: string): JsonObject {
  if (isObject(value)) return value
  throw new OfflineFileError(`${where} must be an object`)
}

function listAt(value: Json, where: string): readonly Json[] {
  if (Array.isArray(value)) return value
  throw new OfflineFileError(`${where} must be a list`)
}

function textAt(value: Json | undefined, where: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw new OfflineFileError(`${where} must be a name`)
}
