/** What is told of a service's intentions: whom it lets in, and whether that is so. */

import type { Access } from './intention-rules.ts'

export interface AccessReport {
  /** `all`, `only` the callers, all `except` the callers; `unknown` while Consul has not said. */
  readonly lets: 'all' | 'only' | 'except' | 'unknown'
  readonly callers: readonly string[]
  /** Whether Kong keeps out whom Consul keeps out, once it holds what was decided. Only requests through the gateway are ever seen. */
  readonly enforced: boolean
  /** Why not, or what else there is to know; '' for nothing. */
  readonly note: string
}

export const OPEN_TO_ALL: AccessReport = { lets: 'all', callers: [], enforced: false, note: '' }

const ANONYMOUS =
  'NOT enforced: intentions.anonymous is allow, so whom an intention denies gets in by not saying who it is'

/** @param isLoose callers without identity get in where some are kept out by name */
export function reportOf(access: Access, isLoose: boolean): AccessReport {
  if (access.kind === 'open') return OPEN_TO_ALL
  return {
    lets: access.kind,
    callers: access.callers,
    enforced: !isLoose,
    note: isLoose ? ANONYMOUS : '',
  }
}

/** @param isKept Kong holds what was enforced before */
export const unknownReport = (isKept: boolean): AccessReport => ({
  lets: 'unknown',
  callers: [],
  enforced: isKept,
  note: isKept
    ? 'intentions cannot be read: what Kong enforced before stays'
    : 'intentions cannot be read: nothing was enforced before, nothing is now',
})
