import { inParallel } from '../consul/in-parallel.ts'
import type { Entity, KongState } from '../core/entity.ts'
import { entityFromKong, stateOf } from '../core/kong-json.ts'
import { entityId } from '../core/names.ts'
import { isOwnedBy } from '../core/tags.ts'
import { COLLECTIONS, LISTED } from './collections.ts'
import type { KongAdmin } from './kong-admin.ts'
import { KongError } from './kong-error.ts'

interface ReadOptions {
  readonly mesh: string
}

/**
 * Everything Kong holds of the kinds kongsul writes, foreign entities included; targets only of upstreams that are
 * ours, since Kong lists them one upstream at a time.
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
  return lists.flat()
}

/** None of an upstream that is gone by now: that must not undo the reading of all others. */
export async function readTargets(admin: KongAdmin, upstreamId: string): Promise<Entity[]> {
  try {
    const rows = await admin.list(['upstreams', upstreamId, 'targets'])
    return rows.map((row) => entityFromKong('target', row))
  } catch (error) {
    if (error instanceof KongError && error.code === 'KONG_NOT_FOUND') return []
    throw error
  }
}

/** By its tags, or by its id where a PUT dropped the tags. */
export function isOurs(upstream: Entity, mesh: string): boolean {
  return isOwnedBy(mesh, upstream.tags) || upstream.id === entityId(mesh, 'upstream', upstream.name)
}
