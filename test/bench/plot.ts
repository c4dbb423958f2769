import { escaped, svgPlot, WIDTH } from '../support/svg.ts'
import type { Figure } from './figure.ts'

const [ROW, LABEL, RIGHT, TOP] = [26, 420, 170, 34]

/**
 * A part of the bench as an SVG: a bar for each figure, beside it its baseline and its goal. Figures of different units are bars of
 * their own scale. Pure.
 */
export function plot(title: string, figures: readonly Figure[]): string {
  const shown = figures.filter(({ value }) => Number.isFinite(value) && value >= 0)
  const scaleOf = (unit: string) =>
    Math.max(
      ...shown
        .filter((figure) => figure.unit === unit)
        .flatMap(({ value, goal = 0, baseline }) => [value, goal, baseline?.value ?? 0]),
      Number.MIN_VALUE,
    )
  const rows = shown.map((figure, index) => row(figure, TOP + index * ROW, scaleOf(figure.unit)))
  const height = TOP + shown.length * ROW + 28
  const legend =
    'blue: measured · grey: baseline of the same run · line: goal · each unit has a scale of its own'
  return svgPlot(title, height, [...rows, `<text x="12" y="${height - 10}" fill="#5a6472">${legend}</text>`])
}

function row({ what, value, unit, goal, baseline }: Figure, y: number, most: number): string {
  const x = (amount: number) => LABEL + (amount / most) * (WIDTH - LABEL - RIGHT)
  const bar = (amount: number, top: number, height: number, colour: string) =>
    `<rect x="${LABEL}" y="${top}" width="${Math.max(1, x(amount) - LABEL).toFixed(1)}" height="${height}" fill="${colour}"/>`
  const parts = [
    `<text x="${LABEL - 8}" y="${y + 14}" text-anchor="end" fill="#1c2430">${escaped(shortened(what))}</text>`,
    bar(value, y + 3, 9, '#2f6fd6'),
    baseline === undefined ? '' : bar(baseline.value, y + 13, 5, '#a9b2bf'),
    goal === undefined || goal > most
      ? ''
      : `<line x1="${x(goal).toFixed(1)}" x2="${x(goal).toFixed(1)}" y1="${y + 1}" y2="${y + 20}" stroke="#b3261e" stroke-width="2"/>`,
    `<text x="${WIDTH - RIGHT + 10}" y="${y + 14}" fill="#1c2430">${escaped(`${Number(value.toPrecision(3))} ${unit}`)}</text>`,
  ]
  return parts.filter(Boolean).join('')
}

const shortened = (text: string): string => (text.length > 64 ? `${text.slice(0, 63)}…` : text)
