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
  const lists = await mergeLists(admin, mirror)
  const isOurUpstream = (entity: Entity) => entity.kind === 'upstream' && isOurs(entity, mesh.mesh)
  const upstreams = [...lists.values()].filter(isOurUpstream)
  const pauseMs = Math.min(LONGEST_PAUSE_MS, SPREAD_MS / Math.max(1, upstreams.length))
  for (const { id } of upstreams) {
    await mergeTargets(admin, mirror, id)
    await delay(pauseMs, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
  }
}

/**
 * Reads everything but targets into the mirror, and that the targets of an upstream which is gone are gone as well.
 * @throws KongError
 */
export function mergeLists(admin: KongAdmin, mirror: KongMirror): Promise<KongState> {
  return mirror.read(
    async () => byKey(await readLists(admin)),
    ({ kind, parent }, lists) => kind !== 'target' || !lists.has(`upstream/${parent}`),
  )
}

/**
 * Reads the targets of one upstream into the mirror.
 * @throws KongError
 */
export async function mergeTargets(admin: KongAdmin, mirror: KongMirror, upstreamId: string): Promise<void> {
  await mirror.read(
    async () => byKey(await readTargets(admin, upstreamId)),
    ({ kind, parent }) => kind === 'target' && parent === upstreamId,
  )
}

const byKey = (entities: readonly Entity[]): KongState =>
  new Map(entities.map((entity) => [keyOf(entity), entity]))
