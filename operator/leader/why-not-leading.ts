import { type LeaseState, type LeaseTiming, leaseEnd } from './lease.ts'

/** What else is known where an operator has ceased to lead. */
export interface Standing {
  /** Monotonic, ms. */
  readonly now: number
  /** Id of another operator that holds the lock; null: none is known. */
  readonly other: string | null
  /** What brought the lock into doubt last. */
  readonly doubt: string
}

/** Why an operator that led may not write any more, for the log. */
export function whyNotLeading(
  state: LeaseState,
  { now, other, doubt }: Standing,
  timing: LeaseTiming,
): string {
  if (other !== null) return `${other} holds the lock`
  if (state.session === null)
    return 'Consul has ended its session: the check of this operator failed, or somebody ended it'
  if (state.at !== 'leader') return 'the lock in Consul is not its own any more'
  if (state.session.doubtedAt !== null) return doubt
  if (now >= leaseEnd(state.session, timing)) return 'Consul has not renewed its session in time'
  return 'an operator before it may still write'
}
