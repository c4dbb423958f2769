/** Entities that somebody removes as often as they are created: after the third time in ten minutes that is a conflict. */

import type { Entity, KongState } from './entity.ts'
import { keyOf } from './entity.ts'
import { isOwnedBy } from './tags.ts'

/** When each entity was found removed, in epoch ms, by key; oldest first. */
export type Removed = ReadonlyMap<string, readonly number[]>

const WINDOW_MS = 600_000
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
  if (![...left.values()].some(({ tags }) => isOwnedBy(mesh, tags))) return removed
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

/** Keys of entities that are not to be created again until somebody says so. */
export function refusedKeys(removed: Removed): ReadonlySet<string> {
  return new Set([...removed].filter(([, times]) => times.length >= TOO_OFTEN).map(([key]) => key))
}

/** Somebody wants these created, whatever happened before. */
export function forgetRemoved(removed: Removed, keys: Iterable<string>): Removed {
  const next = new Map(removed)
  for (const key of keys) next.delete(key)
  return next
}
