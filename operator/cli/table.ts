/** A cell: its text, and how it is coloured once it has been cut to its width. */
export interface Cell {
  readonly text: string
  readonly paint?: (text: string) => string
}

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** May be cut to make the table fit; the longest of these gives way first. */
  readonly shrinks?: boolean
  /** Left out, the last first, where the table does not fit however narrow its columns are. */
  readonly mayGo?: boolean
  /** Characters of a column that shrinks for which others may go; 8 when not given. */
  readonly least?: number
}

const GAP = '  '
const NARROWEST = 8

/**
 * Lays rows out under their titles within `width` characters. Columns that shrink are cut with `…` where needed, and those
 * that may go are left out where even that is not enough.
 * @param width Infinity where nothing limits it, as in a pipe.
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly (Cell | string)[])[],
  { width, heading = (text: string) => text }: { width: number; heading?: (text: string) => string },
): string[] {
  const cells = rows.map((row) => row.map((cell): Cell => (typeof cell === 'string' ? { text: cell } : cell)))
  const natural = columns.map(({ title }, index) =>
    Math.max(lengthOf(title), ...cells.map((row) => lengthOf(row[index]?.text ?? ''))),
  )
  const kept = keep(columns, natural, width)
  const widths = fit(
    kept.map((index) => columns[index]!),
    kept.map((index) => natural[index]!),
    width,
  )
  const line = (row: readonly Cell[]): string =>
    kept
      .map((index, at) => place(row[index]!, columns[index]!, widths[at]!, at === kept.length - 1))
      .join(GAP)
      .trimEnd()
  return [line(columns.map(({ title }) => ({ text: title, paint: heading }))), ...cells.map(line)]
}

/** Indices of the columns that there is room for. */
function keep(columns: readonly Column[], natural: readonly number[], width: number): readonly number[] {
  const narrowest = (index: number): number =>
    columns[index]!.shrinks ? Math.min(natural[index]!, columns[index]!.least ?? NARROWEST) : natural[index]!
  let kept = [...columns.keys()]
  for (;;) {
    const least = kept.reduce((sum, index) => sum + narrowest(index), GAP.length * (kept.length - 1))
    const last = kept.findLast((index) => columns[index]!.mayGo)
    if (least <= width || last === undefined) return kept
    kept = kept.filter((index) => index !== last)
  }
}

function fit(columns: readonly Column[], natural: readonly number[], width: number): number[] {
  const widths = [...natural]
  const total = () => widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1)
  while (total() > width) {
    const candidates = widths
      .map((size, index) => ({ size, index }))
      .filter(({ size, index }) => columns[index]!.shrinks && size > NARROWEST)
      .toSorted((a, b) => b.size - a.size)
    if (candidates.length === 0) return widths
    widths[candidates[0]!.index]!--
  }
  return widths
}

function place(cell: Cell, column: Column, width: number, isLast: boolean): string {
  const text = lengthOf(cell.text) > width ? `${[...cell.text].slice(0, width - 1).join('')}…` : cell.text
  const padding = ' '.repeat(width - lengthOf(text))
  const painted = cell.paint ? cell.paint(text) : text
  if (column.align === 'right') return padding + painted
  return isLast ? painted : painted + padding
}

const lengthOf = (text: string): number => [...text].length
