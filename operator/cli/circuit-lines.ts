import type { CircuitRow } from '../sync/list-circuits.ts'
import { circuitNote, fromNow, troubled } from './circuit-notes.ts'
import { counted } from './counted.ts'
import type { Io } from './io.ts'
import { formatTable } from './table.ts'

/** The table that `circuits` prints for people. Its last lines name what is not closed, in words. */
export function circuitLines(
  circuits: readonly CircuitRow[],
  { width, paint }: Pick<Io, 'width' | 'paint'>,
  nowMs: number,
): string[] {
  if (circuits.length === 0) {
    return [
      'No circuits: the plugins have seen no request yet, or no plugin process tells. kongsul doctor says which.',
    ]
  }
  const columns = [
    { title: 'SERVICE', shrinks: true },
    { title: 'CIRCUIT', shrinks: true },
    { title: 'STATE' },
    { title: 'MODE' },
    { title: 'SINCE' },
    { title: 'UNTIL' },
    { title: 'REASON', shrinks: true },
    { title: 'NODE', shrinks: true },
  ]
  const rows = circuits.map((row) => [
    row.service === '' ? '?' : row.service,
    row.target === null
      ? 'service'
      : `${row.instance_id ?? '?'} ${row.target}${row.address ? ` at ${row.address}` : ''}`,
    { text: row.state, paint: isGood(row.state) ? paint.green : paint.red },
    row.mode_set_in === null ? row.mode : `${row.mode} (${SET_IN[row.mode_set_in]})`,
    fromNow(row.since, nowMs),
    fromNow(row.until, nowMs),
    row.reason,
    row.node ?? '',
  ])
  const bad = troubled(circuits)
  return [
    ...formatTable(columns, rows, { width: width(), heading: paint.dim }),
    '',
    ...(bad.length === 0
      ? [`Of ${counted(circuits.length, 'circuit')} none is open, and no instance is ejected.`]
      : bad.map((row) => paint.red(circuitNote(row, nowMs)))),
  ]
}

const SET_IN = { consul: 'Consul', kong: 'by hand in Kong' } as const

const isGood = (state: string): boolean => state === 'closed'
