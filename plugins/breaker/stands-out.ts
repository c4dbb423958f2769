import { type InstanceCircuit, RECENT_TRIES } from './instance-circuit.ts'
import type { Rules } from './settings.ts'
import { CONSECUTIVE, FAILURE_RATE, isRateReached, SLOW_RATE } from './trip-rules.ts'

/**
 * Those of the rules in `reached` that tell of this instance and not of all: a broken URL is not a broken instance. A
 * rule that connect errors and timeouts reach alone always counts. Answered failures count when the instance's rate is
 * `minimumGap` points above the mean of the others that have traffic.
 *
 * After failures in a row the rates are those of the last tries, as many as make `consecutiveFailures` just the gap:
 * over the whole window an instance that was good for long would have to fail for seconds.
 */
export function ownRules(
  candidate: InstanceCircuit,
  all: Iterable<InstanceCircuit>,
  reached: number,
  rules: Rules,
  minimumGap: number,
  nowMs: number,
): number {
  if (minimumGap === 0 || reached === 0) return reached
  let own = 0
  const rivals: InstanceCircuit[] = []
  for (const each of all) {
    if (each === candidate || each.window === null || each.state === 'ejected') continue
    each.window.advance(nowMs)
    if (each.window.calls > 0) rivals.push(each)
  }
  const isApart = (rate: (each: InstanceCircuit) => number): boolean =>
    rate(candidate) - mean(rivals.map(rate)) + 1e-9 >= minimumGap

  const window = candidate.window!
  if ((reached & CONSECUTIVE) !== 0) {
    const needed = rules.consecutiveFailures
    const tries = Math.min(
      RECENT_TRIES,
      Math.max(needed, Math.floor((100 * Math.max(1, needed)) / minimumGap)),
    )
    if (
      (needed > 0 && candidate.unansweredInARow >= needed) ||
      isApart((each) => each.recentFailures(tries))
    ) {
      own |= CONSECUTIVE
    }
  }
  if ((reached & FAILURE_RATE) !== 0) {
    const byUnanswered = isRateReached(window.unanswered, window.calls, rules.failureRate)
    if (byUnanswered || isApart(({ window }) => percent(window!.failed, window!.calls))) own |= FAILURE_RATE
  }
  if ((reached & SLOW_RATE) !== 0 && isApart(({ window }) => percent(window!.slow, window!.calls))) {
    own |= SLOW_RATE
  }
  return own
}

/** Were the failures by which the rules in `reached` are reached all without an answer? */
export const isByUnanswered = ({ window, hasAnsweredBadly }: InstanceCircuit, reached: number): boolean =>
  (reached & CONSECUTIVE) !== 0
    ? !hasAnsweredBadly
    : (reached & FAILURE_RATE) !== 0 && window!.unanswered >= window!.failed

const percent = (count: number, calls: number): number => (calls === 0 ? 0 : (count * 100) / calls)

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
