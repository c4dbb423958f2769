import { setTimeout as delay } from 'node:timers/promises'
import type { MeshOptions } from '../core/desired.ts'
import { type Entity, type KongState, keyOf } from '../core/entity.ts'
import type { KongAdmin } from '../kong/kong-admin.ts'
import { isOurs, readLists, readTargets } from '../kong/read-state.ts'
import type { KongMirror } from './kong-mirror.ts'

/** A resync of many upstreams takes this long at most, one of few is over sooner. */
const SPREAD_MS = 120_000
const LONGEST_PAUSE_MS = 50

/**
 * Reads Kong into the mirror without a burst: the lists page by page, then the targets of one upstream after the
 * other (Kong lists them in no other way).
 * @throws KongError
 */
export async function readSpread(
  admin: KongAdmin,
  mirror: KongMirror,
  { mesh, signal }: { readonly mesh: MeshOptions; readonly signal: AbortSignal },
): Promise<void> {
  const since = mirror.now()
  const lists = await readLists(admin)
  mirror.merge(
    new Map(lists.map((entity) => [keyOf(entity), entity])),
    ({ kind }) => kind !== 'target',
    since,
  )
  const upstreams = lists.filter((entity) => entity.kind === 'upstream' && isOurs(entity, mesh.mesh))
  const pauseMs = Math.min(LONGEST_PAUSE_MS, SPREAD_MS / Math.max(1, upstreams.length))
  for (const { id } of upstreams) {
    await mergeTargets(admin, mirror, id)
    await delay(pauseMs, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
  }
}

/** The lists show everything but targets, and that the targets of an upstream which is gone are gone as well. */
export function coveredByLists(read: KongState): (entity: Entity) => boolean {
  return ({ kind, parent }) => kind !== 'target' || !read.has(`upstream/${parent}`)
}

/** Reads the targets of one upstream into the mirror. */
export async function mergeTargets(admin: KongAdmin, mirror: KongMirror, upstreamId: string): Promise<void> {
  const since = mirror.now()
  const targets = new Map((await readTargets(admin, upstreamId)).map((entity) => [keyOf(entity), entity]))
  mirror.merge(targets, ({ kind, parent }) => kind === 'target' && parent === upstreamId, since)
}
