/** When a call is tried again, and how long after. Pure. */

export type Failure =
  /** The proxy was not reached: nothing was sent. */
  | 'connect'
  /** The connection ended, or what came was no answer. */
  | 'broken'
  /** The proxy answered, and may or may not have asked an instance. */
  | { readonly status: number }

const IDEMPOTENT = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])
const RETRIED_STATUSES = new Set([502, 503, 504])

const BASE_MS = 100
const MOST_MS = 30_000

/** Would a second try be harmless, and is there a point in it? */
export function mayRetry(method: string, failure: Failure): boolean {
  if (failure === 'connect') return true
  if (!IDEMPOTENT.has(method)) return false
  return failure === 'broken' || RETRIED_STATUSES.has(failure.status)
}

/**
 * Full jitter: anything from 0 to a limit that doubles with each try.
 * @param retry 1 for the first one
 * @param unit from 0 to 1
 */
export function retryDelayMs(retry: number, unit: number): number {
  return unit * Math.min(MOST_MS, BASE_MS * 2 ** (retry - 1))
}
