import type { LeaseTiming } from './lease.ts'

/**
 * Consul refuses a session TTL below 10 s and ends a session up to twice as long after its last renewal. The lease
 * is much shorter, so that a successor who cannot ask (a host cut off) need not wait long on top of that.
 */
export const LEASE_TIMING: LeaseTiming = {
  ttlMs: 10_000,
  marginMs: 6000,
  renewEveryMs: 2000,
  checkTtlMs: 2000,
  checkMarginMs: 500,
  // The lease, and a little for clocks that differ.
  unknownGraceMs: 4300,
}

/**
 * How long Consul's check waits for /healthz. A process that was killed refuses the connection and is noticed at once; this is for
 * one that hangs. One that is merely starved (thousands of services, a busy machine) must not lose its session.
 */
export const CHECK_TIMEOUT_MS = 5000
/** Shorter than the timeout of Consul's check: after any longer pause the lock may be somebody else's. */
export const PAUSE_LIMIT_MS = 1000
export const LOOK_EVERY_MS = 250
export const PASS_EVERY_MS = 500
export const ASK_EVERY_MS = 250
/** Bound of the blocking query; a lost connection or a failed renewal ends it sooner. */
export const WATCH_WAIT_MS = 15_000
/** How long a check that gets no HTTP answer stays critical before we report by ourselves. */
export const UNREACHABLE_AFTER_MS = 5000
export const RETRY = { firstMs: 50, maxMs: 1000 }
