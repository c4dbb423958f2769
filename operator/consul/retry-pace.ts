import { type Backoff, backoffMs } from './backoff.ts'
import type { ConsulErrorCode } from './consul-error.ts'

/**
 * A Consul that is not there, or has no leader, is back within seconds, and a question about it costs next to nothing:
 * it is asked often enough that a mesh goes on a moment after Consul does.
 */
const ABSENT: ReadonlySet<string> = new Set<ConsulErrorCode>([
  'CONSUL_UNREACHABLE',
  'CONSUL_NOT_READY',
  'CONSUL_NO_LEADER',
])
const ABSENT_MAX_MS = 250

/** How soon something that failed is tried again; one that is busy or says no is left alone for longer and longer. */
export class RetryPace {
  readonly #backoff: Backoff
  #absent = 0
  #refused = 0

  constructor(backoff: Backoff) {
    this.#backoff = backoff
  }

  /** To be called after each success. */
  reset(): void {
    this.#absent = 0
    this.#refused = 0
  }

  /**
   * How long to wait after this failure, in ms. What Consul was absent does not count for what it refuses afterwards,
   * and the other way round: else a long absence would be followed by a long wait.
   * @param random a number in [0, 1)
   */
  afterFailure(failure: FailedRead, random: number): number {
    const { firstMs, maxMs } = this.#backoff
    if (ABSENT.has(failure.code ?? '')) {
      const most = { firstMs, maxMs: Math.min(maxMs, ABSENT_MAX_MS) }
      return Math.max(backoffMs(this.#absent++, most, random), failure.retryAfterMs ?? 0)
    }
    return Math.max(backoffMs(this.#refused++, this.#backoff, random), failure.retryAfterMs ?? 0)
  }
}

/** A ConsulError, or anything else that was thrown. */
type FailedRead = Error & { readonly code?: string; readonly retryAfterMs?: number | null }
