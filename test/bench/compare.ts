import { type Figure, ratioOf } from './figure.ts'

/** One figure in two runs. */
export interface Compared {
  readonly part: string
  readonly what: string
  readonly before: number
  readonly after: number
  /** How many times worse it is than before: of ratios to a baseline, where there is one, so that a busy machine does not count. */
  readonly worse: number
  readonly isRegression: boolean
}

export type BenchRun = Readonly<Record<string, readonly Figure[]>>

/** Runs on the same machine differ by a third: what is worse by more than that is told. */
export const TOLERATED = 1.5

/**
 * Figures that both runs have, worst first. Of throughputs more is better, of everything else less. Pure.
 * @param tolerated a figure that is more than this many times worse is a regression
 */
export function compareRuns(before: BenchRun, after: BenchRun, tolerated = TOLERATED): readonly Compared[] {
  const rows = Object.entries(after).flatMap(([part, figures]) => {
    const known = new Map((before[part] ?? []).map((figure) => [figure.what, figure]))
    return figures.flatMap((figure): Compared[] => {
      const old = known.get(figure.what)
      if (old === undefined || old.unit !== figure.unit) return []
      const worse = howMuchWorse(old, figure)
      return [
        {
          part,
          what: figure.what,
          before: old.value,
          after: figure.value,
          worse,
          isRegression: worse > tolerated,
        },
      ]
    })
  })
  return rows.sort((left, right) => right.worse - left.worse)
}

function howMuchWorse(old: Figure, now: Figure): number {
  const [before, after] = [ratioOf(old), ratioOf(now)].includes(null)
    ? [old.value, now.value]
    : [ratioOf(old)!, ratioOf(now)!]
  const [better, worse] = now.unit.endsWith('/s') ? [after, before] : [before, after]
  if (better === worse) return 1
  // From no failure to one: there is no such ratio, and it is worse all the same.
  return better <= 0 ? Number.POSITIVE_INFINITY : worse / better
}

/** For people: what is worse, or that nothing is. */
export function comparedLines(rows: readonly Compared[], tolerated = TOLERATED): readonly string[] {
  const worse = rows.filter(({ isRegression }) => isRegression)
  const number = (value: number) => Number(value.toPrecision(3)).toString()
  const lines = worse.map(
    ({ part, what, before, after, worse: times }) =>
      `worse: ${part}, ${what}: ${number(before)} -> ${number(after)}${Number.isFinite(times) ? ` (${number(times)} times)` : ''}`,
  )
  return [
    ...lines,
    `${rows.length} figures compared: ${worse.length} worse by more than ${number((tolerated - 1) * 100)} %.`,
  ]
}
