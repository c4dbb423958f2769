import type { CircuitRow } from '../sync/list-circuits.ts'
import type { Io } from './io.ts'
import { formatTable } from './table.ts'

/** The table that `circuits` prints for people. */
export function circuitLines(
  circuits: readonly CircuitRow[],
  { width, paint }: Pick<Io, 'width' | 'paint'>,
): string[] {
  if (circuits.length === 0) {
    return ['No plugin process tells of circuits. See kongsul doctor: are the plugins loaded and running?']
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
  const rows = circuits.map(({ service, target, state, mode, since, until, reason, node }) => [
    service === '' ? '?' : service,
    target ?? 'service',
    { text: state, paint: isGood(state) ? paint.green : paint.red },
    mode,
    since ?? '',
    until ?? '',
    reason,
    node ?? '',
  ])
  return formatTable(columns, rows, { width: width(), heading: paint.dim })
}

const isGood = (state: string): boolean => state === 'closed'
