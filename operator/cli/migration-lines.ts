import type { MigrationStatus } from '../legacy/migration-status.ts'
import type { Io } from './io.ts'
import { formatTable } from './table.ts'

/** The table that `migrate status` prints for people, and below it what is wrong. */
export function migrationLines(
  migrations: readonly MigrationStatus[],
  { width, paint }: Pick<Io, 'width' | 'paint'>,
): string[] {
  if (migrations.length === 0) return ['No topic has tasks in Redis or a document in KV mesh/migration/.']
  const columns = [
    { title: 'TOPIC', shrinks: true },
    { title: 'MODE' },
    { title: 'SERVICE', shrinks: true },
    { title: 'LAG', align: 'right' as const },
    { title: 'PENDING', align: 'right' as const },
    { title: 'CALLS', align: 'right' as const },
    { title: 'RESULTS', align: 'right' as const },
    { title: 'DEAD', align: 'right' as const },
  ]
  const rows = migrations.map((each) => [
    each.topic,
    each.mode,
    each.service ?? '',
    `${each.lag}`,
    `${each.pending}`,
    `${each.waiting_calls}`,
    `${each.results}`,
    each.dead > 0 ? { text: `${each.dead}`, paint: paint.red } : '0',
  ])
  return [
    ...formatTable(columns, rows, { width: width(), heading: paint.dim }),
    ...migrations.flatMap(remarks),
  ]
}

function remarks({ topic, mode, service, service_exists: exists, errors }: MigrationStatus): string[] {
  const lines = errors.map((error) => `${topic}: KV mesh/migration/${topic} is refused: ${error}`)
  if (mode !== 'queue' && exists === false) lines.push(`${topic}: service ${service} is not in the catalog.`)
  return lines
}
