import type { Json } from '../core/entity.ts'
import type { Io } from './io.ts'
import { formatTable } from './table.ts'

/** As the operator's API lists them. */
export interface OverrideRow {
  readonly entity: string
  readonly kind: string
  readonly name: string
  readonly service: string
  readonly field: string
  readonly wanted: Json
  readonly actual: Json
  readonly since: string | null
}

/** The table that `overrides list` prints for people. */
export function overrideLines(
  overrides: readonly OverrideRow[],
  { width, paint }: Pick<Io, 'width' | 'paint'>,
): string[] {
  if (overrides.length === 0) {
    return ['No edit by hand is known. Kong is read every few minutes; kongsul plan reads it now.']
  }
  const columns = [
    { title: 'SERVICE', shrinks: true },
    { title: 'ENTITY', shrinks: true },
    { title: 'FIELD', shrinks: true },
    { title: 'IN KONG', shrinks: true },
    { title: 'BY CONSUL', shrinks: true },
    { title: 'SINCE' },
  ]
  const rows = overrides.map(({ kind, name, service, field, wanted, actual, since }) => [
    service,
    `${kind} ${name}`,
    field,
    field === 'health' ? 'kept out' : JSON.stringify(actual),
    field === 'health' ? '' : JSON.stringify(wanted),
    since ?? '',
  ])
  return formatTable(columns, rows, { width: width(), heading: paint.dim })
}
