/** What makes a Kong with a database hold again what it held when it was saved. Rows are as the Admin API lists them. */
import { isDeepStrictEqual } from 'node:util'
import type { JsonObject } from './kong-json.ts'

/** Rows by where they are listed: `services`, `upstreams/<id>/targets`. */
export type Collections = Readonly<Record<string, readonly JsonObject[]>>

export interface RowChange {
  readonly action: 'create' | 'update' | 'delete'
  /** Where the row is listed. */
  readonly path: string
  readonly row: JsonObject
}

/**
 * What a row may hang on comes before it; rows go in the opposite order. Credentials whose secrets Kong keeps only as a hash
 * (basic-auth, OAuth2 clients) are not among these: they can be read and not be written again, so they are left alone.
 */
export const SAVED = [
  'ca_certificates',
  'certificates',
  'snis',
  'key-sets',
  'keys',
  'vaults',
  'consumers',
  'jwts',
  'key-auths',
  'hmac-auths',
  'acls',
  'services',
  'routes',
  'upstreams',
  'plugins',
] as const

/** Listed one upstream at a time. */
export const targetsOf = (upstreamId: string): string => `upstreams/${upstreamId}/targets`

/**
 * @returns deletions first, so that no name is taken, then what is made or changed, each in an order that Kong takes
 */
export function planRestore(saved: Collections, now: Collections): readonly RowChange[] {
  const paths = [...new Set([...Object.keys(saved), ...Object.keys(now)])].sort(
    (left, right) => rank(left) - rank(right),
  )
  const changes = paths.flatMap((path) => changesOf(path, saved[path] ?? [], now[path] ?? []))
  const isDeletion = ({ action }: RowChange) => action === 'delete'
  return [...changes.filter(isDeletion).reverse(), ...changes.filter((change) => !isDeletion(change))]
}

/** Changes in steps one after the other; those of one step hang on nothing of each other. */
export function restoreSteps(changes: readonly RowChange[]): readonly (readonly RowChange[])[] {
  const steps: RowChange[][] = []
  const kindOf = ({ action, path }: RowChange) => `${action === 'delete'} ${path.split('/').at(-1)}`
  for (const change of changes) {
    const last = steps.at(-1)
    if (last !== undefined && kindOf(last[0]!) === kindOf(change)) last.push(change)
    else steps.push([change])
  }
  return steps
}

function changesOf(path: string, saved: readonly JsonObject[], now: readonly JsonObject[]): RowChange[] {
  const held = new Map(now.map((row) => [row.id, row]))
  const wanted = new Set(saved.map(({ id }) => id))
  const gone = now.filter(({ id }) => !wanted.has(id))
  const changed = saved.flatMap((row): RowChange[] => {
    const before = held.get(row.id)
    if (before === undefined) return [{ action: 'create', path, row }]
    const isSame = isDeepStrictEqual(comparable(path, before), comparable(path, row))
    return isSame ? [] : [{ action: 'update', path, row }]
  })
  return [...gone.map((row): RowChange => ({ action: 'delete', path, row })), ...changed]
}

/** Targets stand between their upstreams and the plugins. */
function rank(path: string): number {
  const name = path.endsWith('/targets') ? 'upstreams' : path
  return SAVED.indexOf(name as (typeof SAVED)[number]) + (path === name ? 0 : 0.5)
}

/**
 * Without what Kong sets itself: times, and the names of a certificate, which are rows of their own (those of a route are
 * its condition, and stay). Kong lists a key that never ends with `ttl: null`, and answers 500 where it is given that.
 */
export function writable(path: string, row: JsonObject): JsonObject {
  const { created_at, updated_at, ttl, snis, ...rest } = row
  const names = snis === undefined || path === 'certificates' ? {} : { snis }
  return { ...rest, ...names, ...(typeof ttl === 'number' ? { ttl } : {}) }
}

/** Of a key that ends, Kong tells the seconds that are left: another number every second. */
function comparable(path: string, row: JsonObject): JsonObject {
  const { ttl, ...rest } = writable(path, row)
  return { ...rest, isEnding: ttl !== undefined }
}
