import type { BreakerDocument } from './settings-shape.ts'

/**
 * `patch` over `base`, key by key; lists replace lists. Naming one form of a window, {seconds, buckets} or {calls},
 * drops the other.
 */
export const mergeSettings = (base: BreakerDocument, patch: BreakerDocument): BreakerDocument =>
  merge(base as Section, patch as Section) as BreakerDocument

interface Section {
  readonly [key: string]: unknown
}

export function merge(base: Section, patch: Section): Section {
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(patch)) {
    if (!isSaid(value)) continue // Kong writes null where nothing is said
    const before = merged[key]
    if (!isSection(value)) merged[key] = value
    else if (key === 'window') merged[key] = mergeWindow(isSection(before) ? before : {}, value)
    else merged[key] = merge(isSection(before) ? before : {}, value)
  }
  return merged
}

function mergeWindow(base: Section, patch: Section): Section {
  if (isSaid(patch['calls'])) return { calls: patch['calls'] }
  const { calls, ...timed } = base
  return isSaid(patch['seconds']) || isSaid(patch['buckets']) ? merge(timed, patch) : base
}

const isSaid = (value: unknown): boolean => value !== undefined && value !== null

const isSection = (value: unknown): value is Section =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
