/** One measured value beside its goal and the baseline measured in the same run. */
export interface Figure {
  readonly what: string
  readonly value: number
  readonly unit: string
  /** Goal on the reference machine, same unit; shown, never failed on. */
  readonly goal?: number
  readonly baseline?: { readonly what: string; readonly value: number }
  /** The run fails when value / baseline is above this. */
  readonly maxRatio?: number
}

/** A part of the bench: `npm run bench -- NAME` runs it alone. */
export interface Part {
  readonly name: string
  readonly about: string
  run(log: (line: string) => void): Promise<readonly Figure[]>
}

export const ratioOf = ({ value, baseline }: Figure): number | null =>
  baseline ? value / baseline.value : null

export function isFailure(figure: Figure): boolean {
  const ratio = ratioOf(figure)
  return ratio !== null && figure.maxRatio !== undefined && ratio > figure.maxRatio
}

/** Nearest-rank percentile of unsorted samples. @throws RangeError without samples. */
export function percentile(samples: readonly number[], percent: number): number {
  if (samples.length === 0) throw new RangeError('no samples')
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]!
}
