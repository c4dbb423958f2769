/** Which rules a circuit has reached, and how to say so. Thresholds are inclusive. */

import type { Rules } from './settings.ts'
import type { Window } from './window.ts'

/** Bits of the rules that are reached. */
export const CONSECUTIVE = 1
export const FAILURE_RATE = 2
export const SLOW_RATE = 4

export function reachedRules(rules: Rules, window: Window, consecutive: number): number {
  let reached = 0
  if (rules.consecutiveFailures > 0 && consecutive >= rules.consecutiveFailures) reached = CONSECUTIVE
  if (window.calls < rules.minimumCalls) return reached
  if (isRateReached(window.failed, window.calls, rules.failureRate)) reached |= FAILURE_RATE
  if (rules.slowMs > 0 && isRateReached(window.slow, window.calls, rules.slowRate)) reached |= SLOW_RATE
  return reached
}

/** The slack keeps 0.1 % of 30 calls from being more than 3 hundredths of a call. */
export const isRateReached = (count: number, calls: number, percent: number): boolean =>
  percent > 0 && calls > 0 && count * 100 + 1e-9 >= percent * calls

/** `failure_rate: 12 of 20 calls failed (60 %) in the last 10 s, the limit is 50 %`; several rules joined by `;`. */
export function tripReason(reached: number, rules: Rules, window: Window, consecutive: number): string {
  const over = windowText(rules)
  const reasons: string[] = []
  if ((reached & CONSECUTIVE) !== 0) {
    const limit = consecutive > rules.consecutiveFailures ? `, the limit is ${rules.consecutiveFailures}` : ''
    reasons.push(`consecutive_failures: ${consecutive} failures in a row${limit}`)
  }
  if ((reached & FAILURE_RATE) !== 0) {
    const rate = shareText(window.failed, window.calls)
    reasons.push(`failure_rate: ${rate} failed ${over}, the limit is ${rules.failureRate} %`)
  }
  if ((reached & SLOW_RATE) !== 0) {
    const rate = shareText(window.slow, window.calls)
    reasons.push(
      `slow_call_rate: ${rate} took longer than ${rules.slowMs} ms ${over}, the limit is ${rules.slowRate} %`,
    )
  }
  return reasons.join('; ')
}

const shareText = (count: number, calls: number): string =>
  `${count} of ${calls} calls (${Math.round((count * 1000) / calls) / 10} %)`

const windowText = ({ window, minimumCalls }: Rules): string =>
  window.calls > 0
    ? `of the last ${window.calls}`
    : `in the last ${(window.buckets * window.bucketMs) / 1000} s (at least ${minimumCalls} calls)`
