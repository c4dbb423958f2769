/** The index of the services moved, and nothing that was read explains it yet. */
export interface Suspicion {
  readonly from: bigint
  readonly to: bigint
  /** When the index moved first, since the last listing; ms of performance.now(), as all times here. */
  readonly sinceMs: number
  /** When it moved first, since the last count. */
  readonly uncountedSinceMs: number
  /** How often it moved since the last listing. */
  readonly moves: number
  /** Instances were counted, and it did not help. */
  readonly isCounted: boolean
}

/** What is suspected once the index has moved (again). */
export function suspicionAfter(
  known: Suspicion | null,
  move: { readonly from: bigint; readonly to: bigint },
  nowMs: number,
): Suspicion {
  return {
    from: known?.from ?? move.from,
    to: move.to,
    sinceMs: known?.sinceMs ?? nowMs,
    uncountedSinceMs: known === null || known.isCounted ? nowMs : known.uncountedSinceMs,
    moves: (known?.moves ?? 0) + 1,
    isCounted: false,
  }
}

/**
 * What is still suspected after a listing that shows every change up to `index`.
 * @param startedMs when the listing began
 */
export function suspicionAfterListing(
  suspicion: Suspicion | null,
  index: bigint,
  startedMs: number,
): Suspicion | null {
  if (suspicion === null || index >= suspicion.to) return null
  const from = suspicion.from > index ? suspicion.from : index
  return { ...suspicion, from, sinceMs: startedMs, moves: 1 }
}
