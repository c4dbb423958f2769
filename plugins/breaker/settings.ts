/** Settings as people write them, made into the numbers that decisions use: defaults filled in, all times in ms. */

import { merge } from './merge-settings.ts'
import { type BreakerSettings, BUILT_IN_BREAKER, type CircuitRules, type Mode } from './settings-defaults.ts'
import type { BreakerDocument } from './settings-shape.ts'

/** Rules of one circuit. */
export interface Rules {
  readonly consecutiveFailures: number
  readonly window: WindowShape
  /** Never above the calls that the window holds: such a rule could not be reached. */
  readonly minimumCalls: number
  readonly failureRate: number
  /** 0: no call is slow, in trials neither. */
  readonly slowMs: number
  readonly slowRate: number
  /** Pairs [from, to], flat. */
  readonly failureRanges: readonly number[]
  readonly openMs: number
  readonly factor: number
  readonly maxMs: number
  readonly jitter: number
  readonly trials: number
  /** Never above `trials`: such a circuit could not close. */
  readonly requiredSuccesses: number
  readonly trialLimitMs: number
}

/** A window of the last `calls` calls, or of `buckets` times `bucketMs` where `calls` is 0. */
export interface WindowShape {
  readonly calls: number
  readonly buckets: number
  readonly bucketMs: number
  /** Counters in a bucket. */
  readonly lanes: number
}

/** Calls, failed, slow. */
const SERVICE_LANES = 3
/** The same, and failures without an answer. */
export const INSTANCE_LANES = 4

export interface Settings {
  readonly mode: Mode
  readonly service: Rules
  readonly instance: Rules
  readonly ejection: BreakerSettings['ejection']
  readonly rampMs: number
  readonly abortedAfterMs: number
}

/** @param document a valid section `circuitBreaker`; what it leaves out has its built-in value */
export function compileSettings(document: BreakerDocument): Settings {
  const {
    service,
    ejection,
    rampSeconds,
    abortedAfterMs,
    mode,
    refusal: _,
    ...rules
  } = merge(BUILT_IN_BREAKER as never, document as never) as unknown as BreakerSettings
  return {
    mode,
    service: compileRules(merge(rules as never, service as never) as unknown as CircuitRules, SERVICE_LANES),
    instance: compileRules(rules, INSTANCE_LANES),
    ejection,
    rampMs: rampSeconds * 1000,
    abortedAfterMs,
  }
}

export const isSameWindow = (left: WindowShape, right: WindowShape): boolean =>
  left.calls === right.calls && left.buckets === right.buckets && left.bucketMs === right.bucketMs

function compileRules(rules: CircuitRules, lanes: number): Rules {
  const window = windowShape(rules.window, lanes)
  const { trials, requiredSuccesses, limitSeconds } = rules.halfOpen
  return {
    consecutiveFailures: rules.consecutiveFailures,
    window,
    minimumCalls: Math.max(
      1,
      window.calls > 0 ? Math.min(rules.minimumCalls, window.calls) : rules.minimumCalls,
    ),
    failureRate: rules.failureRate,
    slowMs: rules.slowCall.rate > 0 ? rules.slowCall.thresholdMs : 0,
    slowRate: rules.slowCall.rate,
    failureRanges: rules.failureStatuses.flatMap(statusRange),
    openMs: wholeMs(rules.openSeconds),
    factor: rules.backoff.factor,
    maxMs: wholeMs(rules.backoff.maxSeconds),
    jitter: rules.backoff.jitter,
    trials,
    requiredSuccesses: Math.min(requiredSuccesses, trials),
    trialLimitMs: wholeMs(limitSeconds),
  }
}

/** 16.1 s are 16,100 ms, not a little more. */
const wholeMs = (seconds: number): number => Math.round(seconds * 1000)

function windowShape(
  window: { seconds?: number; buckets?: number; calls?: number },
  lanes: number,
): WindowShape {
  if (window.calls !== undefined) return { calls: window.calls, buckets: 0, bucketMs: 0, lanes }
  const buckets = window.buckets ?? 10
  return { calls: 0, buckets, bucketMs: ((window.seconds ?? 10) * 1000) / buckets, lanes }
}

function statusRange(status: number | string): [number, number] {
  const [from, to = from] = String(status).split('-').map(Number) as [number, number?]
  return [from, to!]
}
