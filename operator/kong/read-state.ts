import { inParallel } from '../consul/in-parallel.ts'
import { CALLER_KINDS, type Entity, type Kind, type KongState, TLS_KINDS } from '../core/entity.ts'
import { entityFromKong, stateOf } from '../core/kong-json.ts'
import { entityId } from '../core/names.ts'
import { isOwnedBy, MANAGED_TAG } from '../core/tags.ts'
import { COLLECTIONS, LISTED } from './collections.ts'
import type { KongAdmin } from './kong-admin.ts'
import { KongError } from './kong-error.ts'

interface ReadOptions {
  readonly mesh: string
}

/**
 * Everything Kong holds of the kinds kongsul writes, foreign entities included; targets only of upstreams that are
 * ours, since Kong lists them one upstream at a time, and consumers with what hangs on them, and certificates, only where
 * they are ours.
 * @throws KongError when any part cannot be read: a partial read is a failed read.
 */
export async function readState(admin: KongAdmin, { mesh }: ReadOptions): Promise<KongState> {
  const entities = await readLists(admin)
  const upstreams = entities.filter((entity) => entity.kind === 'upstream' && isOurs(entity, mesh))
  const targets = await inParallel(upstreams, 8, (upstream) => readTargets(admin, upstream.id))
  return stateOf([...entities, ...targets.flat()])
}

/** All but the targets. */
export async function readLists(admin: KongAdmin): Promise<Entity[]> {
  const lists = await Promise.all(
    LISTED.map(async (kind) => {
      const rows = await admin.list([COLLECTIONS[kind]])
      return rows.map((row) => entityFromKong(kind, row))
    }),
  )
  const tagged = await Promise.all([...CALLER_KINDS, ...TLS_KINDS].map((kind) => readTagged(admin, kind)))
  return [...lists.flat(), ...tagged.flat()]
}

/**
 * Of callers ours alone: people may have a hundred thousand of their own; of certificates as well, since those of others
 * come with their private keys. Where ours lost its tags its creation is refused,
 * and it is found then.
 */
async function readTagged(admin: KongAdmin, kind: Exclude<Kind, 'target'>): Promise<Entity[]> {
  const rows = await admin
    .list([COLLECTIONS[kind]], `tags=${encodeURIComponent(MANAGED_TAG)}`)
    .catch(noneIfMissing)
  return rows.map((row) => entityFromKong(kind, row))
}

/** A Kong that has not loaded the plugin has no such collection. */
export function noneIfMissing(error: unknown): [] {
  if (error instanceof KongError && error.code === 'KONG_NOT_FOUND') return []
  throw error
}

/** None of an upstream that is gone by now: that must not undo the reading of all others. */
export async function readTargets(admin: KongAdmin, upstreamId: string): Promise<Entity[]> {
  const rows = await admin.list(['upstreams', upstreamId, 'targets']).catch(noneIfMissing)
  return rows.map((row) => entityFromKong('target', row))
}

/** By its tags, or by its id where a PUT dropped the tags. */
export function isOurs(upstream: Entity, mesh: string): boolean {
  return isOwnedBy(mesh, upstream.tags) || upstream.id === entityId(mesh, 'upstream', upstream.name)
}
