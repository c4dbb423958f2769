/** Samples of the past, put together of what answers brought one after the other. */

import type { HistorySample } from './api-shapes.ts'

export const SAMPLE_MS = 10_000

/** Old and new samples without doubles, by time, none older than `mostMs` before the newest. */
export function mergeHistory(
  before: readonly HistorySample[],
  fresh: readonly HistorySample[],
  mostMs: number,
): readonly HistorySample[] {
  const last = before.at(-1)
  const newer = last === undefined ? fresh : fresh.filter(({ timestamp }) => timestamp > last.timestamp)
  if (newer.length === 0) return before
  // An answer that does not reach back to what is known says itself what was before.
  const isGap =
    last !== undefined &&
    newer.length === fresh.length &&
    Date.parse(newer[0]!.timestamp) - Date.parse(last.timestamp) > 2.5 * SAMPLE_MS
  const all = isGap && fresh.length > before.length ? fresh : [...before, ...newer]
  const oldest = Date.parse(all.at(-1)!.timestamp) - mostMs
  return all.filter(({ timestamp }) => Date.parse(timestamp) >= oldest)
}

/** How many samples have to be asked for to know all since the last one. */
export function samplesToAsk(before: readonly HistorySample[], rangeMs: number, nowMs: number): number {
  const all = Math.min(1000, Math.ceil(rangeMs / SAMPLE_MS) + 1)
  const [first, last] = [before[0], before.at(-1)]
  if (first === undefined || last === undefined) return all
  const isLongEnough = nowMs - Date.parse(first.timestamp) >= rangeMs - 3 * SAMPLE_MS
  const missing = Math.ceil((nowMs - Date.parse(last.timestamp)) / SAMPLE_MS) + 2
  return isLongEnough || before.length >= all ? Math.min(all, Math.max(2, missing)) : all
}

export interface Series {
  /** Epoch seconds. */
  readonly times: number[]
  readonly values: (number | null)[]
}

/** One line of a chart, with a hole where samples are missing. */
export function seriesOf(
  samples: readonly HistorySample[],
  read: (sample: HistorySample) => number | null,
  fromMs: number,
): Series {
  const times: number[] = []
  const values: (number | null)[] = []
  let lastMs: number | null = null
  for (const sample of samples) {
    const atMs = Date.parse(sample.timestamp)
    if (atMs < fromMs) continue
    if (lastMs !== null && atMs - lastMs > 3.5 * SAMPLE_MS) {
      times.push((lastMs + SAMPLE_MS) / 1000)
      values.push(null)
    }
    times.push(atMs / 1000)
    values.push(read(sample))
    lastMs = atMs
  }
  return { times, values }
}
