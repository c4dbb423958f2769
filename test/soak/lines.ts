import { escaped, svgPlot, WIDTH } from '../support/svg.ts'

/** A figure over the changes of a soak. */
export interface Line {
  readonly what: string
  readonly unit: string
  /** One for each step. */
  readonly values: readonly number[]
}

const [LEFT, RIGHT, TOP, ROW, GAP] = [170, 130, 40, 84, 18]

/**
 * Lines above each other, each from 0 to its own most: what is flat looks flat. Pure.
 * @param steps what has been done at the end of each, e.g. changes
 */
export function linesPlot(title: string, steps: readonly number[], lines: readonly Line[]): string {
  const last = steps.at(-1) ?? 1
  const x = (step: number) => LEFT + (step / last) * (WIDTH - LEFT - RIGHT)
  const height = TOP + lines.length * (ROW + GAP) + 24
  const rows = lines.map((line, index) => row(line, TOP + index * (ROW + GAP), steps.map(x)))
  return svgPlot(title, height, [
    ...rows,
    `<text x="${LEFT}" y="${height - 8}" fill="#5a6472">0</text>`,
    `<text x="${WIDTH - RIGHT}" y="${height - 8}" text-anchor="end" fill="#5a6472">${last} changes</text>`,
  ])
}

function row({ what, unit, values }: Line, top: number, xs: readonly number[]): string {
  const most = Math.max(...values, Number.MIN_VALUE)
  const y = (value: number) => top + ROW - (value / most) * (ROW - 10)
  const points = values.map((value, at) => `${xs[at]!.toFixed(1)},${y(value).toFixed(1)}`)
  const [right, told] = [WIDTH - RIGHT, (value: number) => escaped(`${Number(value.toPrecision(3))} ${unit}`)]
  return [
    `<text x="${LEFT - 10}" y="${top + ROW / 2}" text-anchor="end" fill="#1c2430">${escaped(what)}</text>`,
    `<line x1="${LEFT}" x2="${right}" y1="${top + ROW}" y2="${top + ROW}" stroke="#c8ced6"/>`,
    `<polyline points="${points.join(' ')}" fill="none" stroke="#2f6fd6" stroke-width="2"/>`,
    `<text x="${right + 10}" y="${top + 20}" fill="#1c2430">most ${told(most)}</text>`,
    `<text x="${right + 10}" y="${top + ROW - 4}" fill="#1c2430">end ${told(values.at(-1) ?? 0)}</text>`,
  ].join('')
}
