import type { Change } from '../core/diff.ts'
import type { KongError } from '../kong/kong-error.ts'

/** How one reconciliation of one service ended. */
export type Outcome =
  | { readonly kind: 'inSync' }
  | { readonly kind: 'applied'; readonly changes: readonly Change[] }
  /** Not written because the operator was told to write nothing. */
  | { readonly kind: 'dryRun'; readonly changes: readonly Change[] }
  /** Not written because somebody paused the service. */
  | { readonly kind: 'paused'; readonly changes: readonly Change[] }
  /** Has to wait until another service has given something up. */
  | { readonly kind: 'blocked'; readonly on: string }
  /** Writing is not allowed (any more): the operator stops, or is not the leader. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: KongError | Error; readonly changes: readonly Change[] }
