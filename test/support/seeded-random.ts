export interface SeededRandom {
  /** Evenly from 0 up to but not including 1. */
  next(): number
  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number
  pick<T>(items: readonly T[]): T
  /** True in `percent` of 100 cases. */
  chance(percent: number): boolean
  /** Picks by weight; the weights need not add up to anything. */
  weighted<T>(choices: readonly (readonly [weight: number, item: T])[]): T
}

/** The same numbers for the same seed, on every machine (mulberry32). */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const whole = (least: number, most: number) => least + Math.floor(next() * (most - least + 1))
  const pick = <T>(items: readonly T[]): T => {
    if (items.length === 0) throw new RangeError('nothing to pick from')
    return items[whole(0, items.length - 1)]!
  }
  return {
    next,
    whole,
    pick,
    chance: (percent) => next() * 100 < percent,
    weighted: (choices) => {
      let left = next() * choices.reduce((sum, [weight]) => sum + weight, 0)
      for (const [weight, item] of choices) {
        left -= weight
        if (left < 0) return item
      }
      return choices.at(-1)![1]
    },
  }
}
