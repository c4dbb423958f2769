/** Effective settings of the circuits of one service, and their built-in values. */

import type { MODES } from './settings-shape.ts'

export type Mode = (typeof MODES)[number]

export interface CircuitRules {
  /** Failures in a row that open; 0 turns the rule off. */
  readonly consecutiveFailures: number
  readonly window: { readonly seconds: number; readonly buckets: number } | { readonly calls: number }
  /** Calls in the window below which no rate is judged. */
  readonly minimumCalls: number
  /** Percent of failed calls that opens, inclusive; 0 turns the rule off. */
  readonly failureRate: number
  /** A call is slow when its first byte took longer than `thresholdMs` (0: no call is); `rate` percent of them opens. */
  readonly slowCall: { readonly thresholdMs: number; readonly rate: number }
  /** Statuses, or ranges like `500-599`. */
  readonly failureStatuses: readonly (number | string)[]
  readonly openSeconds: number
  /** The n-th opening in a row lasts openSeconds x factor^n, at most maxSeconds; jitter adds up to that many percent. */
  readonly backoff: { readonly factor: number; readonly maxSeconds: number; readonly jitter: number }
  readonly halfOpen: {
    readonly trials: number
    readonly requiredSuccesses: number
    /** A trial that did not report within it is given up. */
    readonly limitSeconds: number
  }
}

export interface BreakerSettings extends CircuitRules {
  /** Rules that differ for the service circuit. */
  readonly service: Partial<CircuitRules>
  readonly ejection: {
    readonly maxPercent: number
    readonly panicPercent: number
    readonly minimumHealthy: number
    readonly minimumGap: number
  }
  /** How long an instance that came back takes to its full weight; 0: at once. */
  readonly rampSeconds: number
  /** A client that goes away after the instance was silent for so long is a failure of the instance; 0: never. */
  readonly abortedAfterMs: number
  readonly mode: Mode
  /** What a refused client gets; null: the built-in answer. */
  readonly refusal: {
    readonly status: number | null
    readonly body: string | null
    readonly headers?: Readonly<Record<string, string>>
  }
}

export const BUILT_IN_BREAKER: BreakerSettings = {
  consecutiveFailures: 5,
  window: { seconds: 10, buckets: 10 },
  minimumCalls: 20,
  failureRate: 50,
  slowCall: { thresholdMs: 0, rate: 50 },
  failureStatuses: ['500-599'],
  openSeconds: 60,
  backoff: { factor: 2, maxSeconds: 300, jitter: 10 },
  halfOpen: { trials: 3, requiredSuccesses: 3, limitSeconds: 10 },
  service: { consecutiveFailures: 0 },
  ejection: { maxPercent: 50, panicPercent: 50, minimumHealthy: 1, minimumGap: 20 },
  rampSeconds: 0,
  abortedAfterMs: 500,
  mode: 'auto',
  refusal: { status: null, body: null },
}
