/** Weights of targets that share requests between legs, and who serves while a leg has nobody. */

/** The targets of one service or subset. */
export interface TargetSet {
  /** By `host:port`. */
  readonly weights: ReadonlyMap<string, number>
  /** Does Consul call one of them able to serve? Weights that critical ones keep are no such thing. */
  readonly isLive: boolean
}

/**
 * The first that can serve serves, the others have weight 0: Kong never uses those, so changing over is a change of
 * weights. Where none can, the first that has weights keeps them.
 */
export function withFailover(tiers: readonly TargetSet[]): TargetSet {
  const active =
    tiers.find(({ isLive }) => isLive) ?? tiers.find(({ weights }) => total(weights) > 0) ?? tiers[0]
  const weights = new Map<string, number>()
  for (const tier of tiers) {
    for (const [target, weight] of tier.weights) {
      weights.set(target, Math.max(weights.get(target) ?? 0, tier === active ? weight : 0))
    }
  }
  return { weights: sorted(weights), isLive: active?.isLive ?? false }
}

export interface WeighedLeg extends TargetSet {
  /** Of WHOLE. */
  readonly share: number
}

const MOST_WEIGHT = 65_535

/** Of a hundredth of a percent: divisible by 1, 2, 3 and 6 instances, and the whole is below MOST_WEIGHT. */
const UNITS = 6

/**
 * Whole weights whose sums over the legs are exactly as their shares. What a leg has is spread as its instances weigh,
 * to the nearest whole number. The scale stays as it is as long as it can, so that a change of one leg writes no weight
 * of another. A leg that nobody can serve leaves its share to the others.
 */
export function splitWeights(legs: readonly WeighedLeg[]): ReadonlyMap<string, number> {
  const asked = legs.filter(({ share }) => share > 0)
  const live = asked.filter(({ isLive }) => isLive)
  const serving = (live.length > 0 ? live : asked).filter(({ weights }) => total(weights) > 0)
  const weights = new Map<string, number>()
  for (const leg of legs) for (const target of leg.weights.keys()) weights.set(target, 0)
  let units = UNITS
  while (serving.some((leg) => isTooSmall(leg, units)) && spread(serving, units * 10) !== null) units *= 10
  for (const [target, weight] of spread(serving, units) ?? []) weights.set(target, weight)
  return sorted(weights)
}

/** Would one of its targets get nothing? */
const isTooSmall = ({ share, weights }: WeighedLeg, units: number): boolean => {
  const positive = [...weights.values()].filter((weight) => weight > 0)
  const smallest = Math.min(...positive)
  return (share * units * smallest) / total(weights) < 1
}

/** null when a weight would be more than Kong takes. */
function spread(legs: readonly WeighedLeg[], units: number): ReadonlyMap<string, number> | null {
  const weights = new Map<string, number>()
  for (const { share, weights: given } of legs) {
    for (const [target, part] of portions(given, share * units)) {
      weights.set(target, (weights.get(target) ?? 0) + part)
    }
  }
  const isFine = [...weights.values()].every((weight) => weight <= MOST_WEIGHT)
  return isFine || units === UNITS ? weights : null
}

/** A whole number in whole parts as the weights say, the largest remainders rounded up; of equal ones the first by name. */
function portions(weights: ReadonlyMap<string, number>, whole: number): [string, number][] {
  const sum = total(weights)
  const parts = [...sorted(weights)].map(([target, weight]) => {
    const exact = (whole * weight) / sum
    return { target, part: Math.floor(exact), remainder: exact - Math.floor(exact) }
  })
  let missing = whole - parts.reduce((all, { part }) => all + part, 0)
  for (const each of [...parts].sort((left, right) => right.remainder - left.remainder)) {
    if (missing <= 0) break
    each.part += 1
    missing -= 1
  }
  return parts.map(({ target, part }) => [target, part])
}

const total = (weights: ReadonlyMap<string, number>): number =>
  [...weights.values()].reduce((sum, weight) => sum + weight, 0)

const sorted = (weights: ReadonlyMap<string, number>): ReadonlyMap<string, number> =>
  new Map([...weights].sort(([left], [right]) => (left < right ? -1 : 1)))
