/** Entities that somebody removes as often as they are created: after the third time in ten minutes that is a conflict. */

import type { Entity, KongState } from './entity.ts'
import { keyOf } from './entity.ts'
import { isOwnedBy } from './tags.ts'

/** When each entity was found removed, in epoch ms, by key; oldest first. */
export type Removed = ReadonlyMap<string, readonly number[]>

const WINDOW_MS = 600_000
/** Long enough for a person to see it and to decide; a mesh that nobody looks at heals by itself. */
const REFUSED_MS = 3_600_000
const TOO_OFTEN = 3

/**
 * Notes what is gone from Kong though it is wanted.
 * @param gone what Kong had and has no more, none of it removed by us
 * @param left what Kong still holds: when nothing of ours is left, Kong was wiped, and nobody removed anything by hand
 */
export function noteRemoved(
  removed: Removed,
  gone: readonly Entity[],
  left: KongState,
  mesh: string,
  nowMs: number,
): Removed {
  if (gone.length === 0) return removed
  // Targets are listed one upstream at a time: of those that seem to be left nobody knows.
  const isLeft = ({ kind, tags }: Entity) => kind !== 'target' && isOwnedBy(mesh, tags)
  if (![...left.values()].some(isLeft)) return removed
  const ids = new Set(gone.map(({ id }) => id))
  const next = new Map(removed)
  for (const entity of gone) {
    // Kong takes targets along with their upstream: that is one removal.
    if (ids.has(entity.parent)) continue
    const times = (next.get(keyOf(entity)) ?? []).filter((ms) => nowMs - ms < WINDOW_MS)
    next.set(keyOf(entity), [...times, nowMs])
  }
  return next
}

/** Keys of entities that are not to be created again, until somebody says so or an hour has passed. */
export function refusedKeys(removed: Removed, nowMs: number): ReadonlySet<string> {
  const isWar = (times: readonly number[]) => times.length >= TOO_OFTEN && nowMs - times.at(-1)! < REFUSED_MS
  return new Set([...removed].filter(([, times]) => isWar(times)).map(([key]) => key))
}

/** Somebody wants these created, whatever happened before. */
export function forgetRemoved(removed: Removed, keys: Iterable<string>): Removed {
  const next = new Map(removed)
  for (const key of keys) next.delete(key)
  return next
}
