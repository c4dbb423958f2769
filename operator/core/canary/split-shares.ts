/** The splits of a service-splitter with another share for one subset. */

/** A split as Consul returns it; fields that are not read here stay as they are. */
export interface Split extends Readonly<Record<string, unknown>> {
  readonly Weight: number
}

/** What takes all requests of a service without a splitter: its resolver's default subset. */
export const NO_SPLITS: readonly Split[] = [{ Weight: 100 }]

/** Hundredths of a percent: what Consul's weights are exact to. */
const WHOLE = 10_000

/**
 * The subset gets `percent`, the others share the rest as they did before. Weights add up to exactly 100.
 * @param splits at least one of them, other than the subset's, has weight, unless percent is 100
 */
export function splitsAt(
  splits: readonly Split[],
  service: string,
  subset: string,
  percent: number,
): readonly Split[] {
  const wanted = Math.round(percent * 100)
  const key = legKey(service, { ServiceSubset: subset })
  const others = splits.filter((split) => legKey(service, split) !== key)
  const weights = portions(
    others.map(({ Weight }) => Weight),
    WHOLE - wanted,
  )
  const rest = others.map((split, at) => ({ ...split, Weight: weights[at]! / 100 }))
  const own = splits.find((split) => legKey(service, split) === key) ?? { ServiceSubset: subset }
  const at = splits.findIndex((split) => legKey(service, split) === key)
  return rest.toSpliced(at < 0 ? rest.length : at, 0, { ...own, Weight: wanted / 100 })
}

/** Do both say the same of every leg? Legs without weight say nothing. */
export function isSameSplit(service: string, one: readonly Split[], other: readonly Split[]): boolean {
  const [left, right] = [weightsOf(service, one), weightsOf(service, other)]
  return left.size === right.size && [...left].every(([key, weight]) => right.get(key) === weight)
}

/** Has any leg but the subset's weight? */
export const hasOthers = (splits: readonly Split[], service: string, subset: string): boolean =>
  [...weightsOf(service, splits).keys()].some((key) => key !== legKey(service, { ServiceSubset: subset }))

function weightsOf(service: string, splits: readonly Split[]): ReadonlyMap<string, number> {
  const weights = new Map<string, number>()
  for (const split of splits) {
    const weight = Math.round(split.Weight * 100)
    const key = legKey(service, split)
    if (weight > 0) weights.set(key, weight + (weights.get(key) ?? 0))
  }
  return weights
}

const legKey = (service: string, split: Readonly<Record<string, unknown>>): string =>
  JSON.stringify([split['Service'] || service, split['ServiceSubset'] || ''])

/** `whole` in whole parts as the weights are, the largest remainders rounded up; of equal ones the first. */
function portions(weights: readonly number[], whole: number): readonly number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0)
  if (sum === 0) return weights.map(() => 0)
  const exact = weights.map((weight) => (whole * weight) / sum)
  const parts = exact.map((share) => Math.floor(share + 1e-9))
  let missing = whole - parts.reduce((total, part) => total + part, 0)
  const byRemainder = exact
    .map((share, at) => ({ at, remainder: share - parts[at]! }))
    .sort((left, right) => right.remainder - left.remainder || left.at - right.at)
  for (const { at } of byRemainder) {
    if (missing <= 0) break
    parts[at]! += 1
    missing -= 1
  }
  return parts
}
