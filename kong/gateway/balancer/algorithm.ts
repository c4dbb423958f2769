import type { Address } from './address.ts'

/** What one request carries from try to try. */
export interface Selection {
  /** Times an address was asked for; 1 on the first try. */
  tries: number
  address: Address | null
  readonly failed: Set<Address>
  /** What to hash; '' when the upstream's rule gave nothing, so that all such requests share one target. */
  hashValue: string
  hashPoint: number | null
}

export interface Algorithm {
  /** Null: nobody can take the request. */
  pick(selection: Selection, nowMs: number): Address | null
  /** Called when an address became available or unavailable. */
  refresh(nowMs: number): void
  /** Called once at the end of a request: frees what `pick` took and learns the time. */
  finish(selection: Selection, outcome: { readonly elapsedMs: number; readonly nowMs: number }): void
}

export function startSelection(hashValue: string): Selection {
  return { tries: 0, address: null, failed: new Set(), hashValue, hashPoint: null }
}
