/** Whether what a subset did in a step is good, from counts alone. */

import type { CanaryPlan } from './canary.ts'

/** Requests that reached instances of the subset since the step began. */
export interface Traffic {
  readonly requests: number
  /** Answered 5xx, refused, or not answered in time. */
  readonly failures: number
  /** That took longer than maxP95Ms. */
  readonly slow: number
  readonly p95Ms: number | null
}

export const NO_TRAFFIC: Traffic = { requests: 0, failures: 0, slow: 0, p95Ms: null }

export type Judgement =
  | { readonly kind: 'few' }
  | { readonly kind: 'good' }
  /** `clear`: it does not need the rest of the step to be sure. */
  | { readonly kind: 'bad'; readonly clear: boolean; readonly reason: string }

type Limits = Pick<CanaryPlan, 'maxErrorRate' | 'maxP95Ms' | 'minRequests'>

/** Of 100 requests this many may be slower than the p95. */
const SLOW_PART = 0.05

export function judgeStep({ maxErrorRate, maxP95Ms, minRequests }: Limits, traffic: Traffic): Judgement {
  const { requests, failures, slow, p95Ms } = traffic
  if (requests < minRequests || requests === 0) return { kind: 'few' }
  const rate = (failures / requests) * 100
  if (rate > maxErrorRate) {
    const reason = `${percentText(rate)} of ${requests} requests failed, ${maxErrorRate} % may`
    return { kind: 'bad', clear: isSurelyAbove(failures, requests, maxErrorRate / 100), reason }
  }
  // The nearest-rank percentile is above the limit exactly when so many are.
  if (maxP95Ms !== null && requests - slow < Math.ceil((1 - SLOW_PART) * requests)) {
    const p95 = p95Ms === null ? '' : `p95 is ${Math.round(p95Ms)} ms: `
    const reason = `${p95}${slow} of ${requests} requests took more than ${maxP95Ms} ms`
    return { kind: 'bad', clear: isSurelyAbove(slow, requests, SLOW_PART), reason }
  }
  return { kind: 'good' }
}

/** As people read it: at most two decimals. */
export const percentText = (value: number): string => `${Math.round(value * 100) / 100} %`

/** How many standard deviations are no chance any more. */
const SURE = 3

/**
 * Is the part that these counts come from above the limit, whatever chance did? By the lower bound of Wilson's score
 * interval (https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval), which holds for few requests too.
 */
function isSurelyAbove(count: number, of: number, limit: number): boolean {
  const part = count / of
  const spread = SURE ** 2 / of
  const centre = part + spread / 2
  const width = SURE * Math.sqrt((part * (1 - part)) / of + spread / (4 * of))
  return (centre - width) / (1 + spread) > limit
}
