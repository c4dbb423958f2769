import type { Rules } from './settings.ts'

/**
 * How long an opening lasts, in whole milliseconds: openMs x factor^attempt with jitter on top, never above maxMs.
 *
 * @param attempt 0 for the first opening
 * @param random in [0, 1)
 */
export function openingMs({ openMs, factor, maxMs, jitter }: Rules, attempt: number, random: number): number {
  const plain = Math.min(openMs * factor ** attempt, maxMs)
  // The slack is for 100,000 x 1.1, which is a little more than 110,000 or, with other numbers, a little less.
  return Math.floor(Math.min(plain * (1 + (jitter / 100) * random), maxMs) + 1e-6)
}

/** Openings that grow no longer count up to this, so that any outage is worked off in so many healthy intervals. */
const MOST_ATTEMPTS = 20

export const nextAttempt = ({ openMs, factor, maxMs }: Rules, attempt: number): number =>
  attempt >= MOST_ATTEMPTS && (factor === 1 || openMs * factor ** attempt >= maxMs) ? attempt : attempt + 1

/** What is left of `attempt` after a circuit was closed for `closedMs`: it falls by one per openMs. */
export const decayedAttempt = ({ openMs }: Rules, attempt: number, closedMs: number): number =>
  Math.max(0, attempt - Math.max(0, Math.floor(closedMs / openMs)))

/** Whole seconds until `deadlineMs`, at least 1: what Retry-After says (RFC 9110, 10.2.3). */
export const secondsUntil = (deadlineMs: number, nowMs: number): number =>
  Math.max(1, Math.ceil((deadlineMs - nowMs) / 1000))
