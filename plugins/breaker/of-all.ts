import type { Rules } from './settings.ts'
import { CONSECUTIVE, FAILURE_RATE, isRateReached, SLOW_RATE } from './trip-rules.ts'

export interface Calls {
  readonly calls: number
  readonly failed: number
  readonly slow: number
}

/** What one instance has in the window of a service circuit. */
export interface Share extends Calls {
  /** It gets no requests: ejected, gone, or unhealthy by what Consul says. */
  readonly isOut: boolean
  /** The failures in a row are its own. */
  readonly isRow: boolean
}

/**
 * Those of the rules in `reached` that tell of the service and not of one instance: an instance that fails must not
 * open the circuit while others answer. A rate has to hold without the instances that are out, and also without any one
 * that is in, if that one reaches the rate and stands out of the others, who do not: `minimumGap` points and twice as high,
 * with most of the failures. (A service that fails alike everywhere has, by chance and while calls are few, some instance
 * above the limit and the rest just below it.) Where no other has answered anything, it is the service that fails.
 *
 * @param elsewhere what instances that are in and have nothing in this window answered according to their own circuits
 */
export function rulesOfAll(
  reached: number,
  rules: Rules,
  whole: Calls,
  shares: readonly Share[],
  elsewhere: Calls,
  minimumGap: number,
): number {
  const inside = shares.filter(({ isOut }) => !isOut)
  const inWindow = inside.reduce(plus, NO_CALLS)
  const all = plus(inWindow, elsewhere)
  if (all.calls === 0) return reached
  const left = minus(whole, shares.filter(({ isOut }) => isOut).reduce(plus, NO_CALLS))
  let own = reached
  const judge = (bit: number, percent: number, count: (of: Calls) => number): void => {
    const reaches = (of: Calls) => isRateReached(count(of), of.calls, percent)
    const isOne = (share: Share): boolean => {
      const others = minus(all, share)
      if (others.calls === 0 || !reaches(share) || reaches(others)) return false
      // Of the failures in this window: elsewhere many more calls may have been counted, or over a longer time.
      if (2 * count(share) <= count(inWindow)) return false
      const rate = (100 * count(share)) / share.calls
      const rateOfOthers = (100 * count(others)) / others.calls
      const standsOut = rate - rateOfOthers + 1e-9 >= minimumGap && rate + 1e-9 >= 2 * rateOfOthers
      return standsOut && !reaches(minus(left, share))
    }
    if ((reached & bit) !== 0 && (!reaches(left) || inside.some(isOne))) own &= ~bit
  }
  judge(FAILURE_RATE, rules.failureRate, ({ failed }) => failed)
  judge(SLOW_RATE, rules.slowRate, ({ slow }) => slow)
  const others = inside.filter(({ isRow }) => !isRow).reduce(plus, elsewhere)
  const isRowOfOne = shares.some(({ isRow }) => isRow)
  if (isRowOfOne && others.calls > others.failed) own &= ~CONSECUTIVE
  return own
}

export const NO_CALLS: Calls = { calls: 0, failed: 0, slow: 0 }

export const plus = (left: Calls, right: Calls): Calls => ({
  calls: left.calls + right.calls,
  failed: left.failed + right.failed,
  slow: left.slow + right.slow,
})

const minus = (left: Calls, right: Calls): Calls => ({
  calls: left.calls - right.calls,
  failed: left.failed - right.failed,
  slow: left.slow - right.slow,
})
