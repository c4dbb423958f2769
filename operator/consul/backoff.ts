export interface Backoff {
  readonly firstMs: number
  readonly maxMs: number
}

/**
 * How long to wait before the next try: doubles from `firstMs` to `maxMs`, half of it random, so that many clients
 * that failed together do not come back together.
 * @param attempt 0 after the first failure
 * @param random a number in [0, 1)
 */
export function backoffMs(attempt: number, { firstMs, maxMs }: Backoff, random: number): number {
  const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30))
  return ceiling / 2 + (ceiling / 2) * random
}
