import type { Change } from '../core/diff.ts'
import { orderChanges } from '../core/plan-order.ts'
import { type ChangedEntity, changedEntity } from './change-log.ts'

/** Changes of Kong as a preview tells them. */
export interface ListedChanges {
  /** In the order of writing; secrets masked. */
  readonly changes: readonly (ChangedEntity & { readonly service: string })[]
  /** Of all changes, listed or not. */
  readonly total: number
}

const MOST_LISTED = 200

export function listedChanges(changes: readonly Change[]): ListedChanges {
  const ordered = orderChanges(changes).flat()
  return {
    changes: ordered
      .slice(0, MOST_LISTED)
      .map((change) => ({ service: change.service, ...changedEntity(change) })),
    total: ordered.length,
  }
}
