/** A line over time as an SVG path, and where its axes have marks. Pure; px with y downwards. */

import type { Series } from './history.ts'

export interface Frame {
  readonly width: number
  readonly height: number
  readonly fromMs: number
  readonly toMs: number
  /** Value at the upper edge; the lower one is 0. */
  readonly top: number
}

const x = ({ width, fromMs, toMs }: Frame, seconds: number): number =>
  (width * (seconds * 1000 - fromMs)) / Math.max(1, toMs - fromMs)
const y = ({ height, top }: Frame, value: number): number => height - (height * Math.min(value, top)) / top
const round = (value: number): number => Math.round(value * 10) / 10

/** The line, and the area below it; holes stay holes. A sample alone is a short dash. */
export function linePaths(series: Series, frame: Frame): { readonly line: string; readonly area: string } {
  let line = ''
  let area = ''
  let run: (readonly [number, number])[] = []
  const end = () => {
    const [first, last] = [run[0], run.at(-1)]
    if (first === undefined || last === undefined) return
    const points = run.map(([left, down]) => `${left} ${down}`).join('L')
    line += run.length === 1 ? `M${points}h1` : `M${points}`
    area += `M${first[0]} ${frame.height}L${points}L${last[0]} ${frame.height}Z`
    run = []
  }
  series.times.forEach((seconds, index) => {
    const value = series.values[index]
    if (value === null || value === undefined) end()
    else run.push([round(x(frame, seconds)), round(y(frame, value))])
  })
  end()
  return { line, area }
}

export const pointAt = (
  series: Series,
  index: number,
  frame: Frame,
): readonly [x: number, y: number | null] => {
  const value = series.values[index] ?? null
  return [round(x(frame, series.times[index] ?? 0)), value === null ? null : round(y(frame, value))]
}

/** Index of the sample next to a time; null where there is none. @param seconds epoch */
export function nearest({ times }: Series, seconds: number): number | null {
  let best: number | null = null
  for (let index = 0; index < times.length; index++) {
    if (best === null || Math.abs(times[index]! - seconds) <= Math.abs(times[best]! - seconds)) best = index
  }
  return best
}

const PAGE = 10

/** Which sample a key goes to from one; null: to none, undefined: the key is not for the chart. @param many samples */
export function steppedTo(key: string, at: number | null, many: number): number | null | undefined {
  const last = many - 1
  const from = at ?? last
  const within = (index: number): number => Math.min(last, Math.max(0, index))
  switch (key) {
    case 'ArrowLeft':
    case 'ArrowDown':
      return within(from - 1)
    case 'ArrowRight':
    case 'ArrowUp':
      return within(from + 1)
    case 'PageDown':
      return within(from - PAGE)
    case 'PageUp':
      return within(from + PAGE)
    case 'Home':
      return 0
    case 'End':
      return last
    case 'Escape':
      return null
    default:
      return undefined
  }
}

/** The least round number that nothing goes over. */
export function roundTop(values: readonly (number | null)[], least: number): number {
  const highest = Math.max(least, ...values.map((value) => value ?? 0)) * 1.04
  const power = 10 ** Math.floor(Math.log10(highest))
  return [1, 2, 4, 5, 10].map((factor) => factor * power).find((each) => each >= highest) ?? 10 * power
}

/** Half of a label, px. */
const LABEL = 15
const STEPS_MS = [60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000]

/** Whole minutes, no more than fit. Epoch ms. @param offsetMinutes of the time zone, as `getTimezoneOffset` has it */
export function timeMarks({ width, fromMs, toMs }: Frame, offsetMinutes: number): readonly number[] {
  const most = Math.max(1, Math.floor(width / 84))
  const step = STEPS_MS.find((each) => (toMs - fromMs) / each <= most) ?? 3_600_000
  const offset = offsetMinutes * 60_000
  const first = Math.ceil((fromMs - offset) / step) * step + offset
  const marks: number[] = []
  // A label needs room on both sides of its mark.
  const edge = (LABEL * (toMs - fromMs)) / Math.max(1, width)
  for (let at = first; at <= toMs - edge; at += step) if (at >= fromMs + edge) marks.push(at)
  return marks
}
