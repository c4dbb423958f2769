const LEAST_PERCENT = 10

/**
 * Share of its weight that an instance gets after it came back, in whole percent.
 *
 * @param closedMs how long its circuit has been closed
 * @param rampMs length of the ramp; 0: none
 */
export function rampPercent(closedMs: number, rampMs: number): number {
  if (rampMs <= 0 || closedMs >= rampMs) return 100
  return Math.max(LEAST_PERCENT, Math.floor((100 * closedMs) / rampMs))
}
