import { countCalls } from './call-store.ts'
import { AS_BEFORE, type Migration } from './migration.ts'
import type { MigrationBook } from './migration-book.ts'
import { type GroupRow, readGroups, readLengths } from './queue-store.ts'
import type { RedisCommand } from './redis-connection.ts'

/** One topic as the API answers it. `timeout` is in seconds. */
export interface MigrationStatus extends Migration {
  readonly topic: string
  /** Why the document in KV is refused; empty when it is in force, or when there is none. */
  readonly errors: readonly string[]
  /** null where no service is named. */
  readonly service_exists: boolean | null
  /** Entries in the stream of tasks, also those that are done. */
  readonly tasks: number
  /** Taken by old workers and not acknowledged. */
  readonly pending: number
  /** Not taken by old workers yet; all that is there where no group reads it. */
  readonly lag: number
  readonly groups: readonly GroupRow[]
  /** Accepted in mode `mesh`, not answered yet. */
  readonly waiting_calls: number
  readonly results: number
  readonly dead: number
}

export interface StatusParts {
  readonly run: RedisCommand
  readonly book: MigrationBook
  readonly knows: (service: string) => boolean
}

/** @throws RedisError */
export async function readMigrationStatus(
  { run, book, knows }: StatusParts,
  topic: string,
): Promise<MigrationStatus> {
  const [lengths, groups, waiting] = await Promise.all([
    readLengths(run, topic),
    readGroups(run, topic),
    countCalls(run, topic),
  ])
  const migration = book.get(topic) ?? AS_BEFORE
  const { pending, lag } = behind(groups, lengths.tasks)
  return {
    topic,
    ...migration,
    errors: book.errors(topic),
    service_exists: migration.service === null ? null : knows(migration.service),
    tasks: lengths.tasks,
    pending,
    lag,
    groups,
    waiting_calls: waiting,
    results: lengths.results,
    dead: lengths.dead,
  }
}

/** Over all groups. @param tasks entries in the stream */
export function behind(groups: readonly GroupRow[], tasks: number): { pending: number; lag: number } {
  if (groups.length === 0) return { pending: 0, lag: tasks }
  const sum = (of: (row: GroupRow) => number) => groups.reduce((total, row) => total + of(row), 0)
  return { pending: sum((row) => row.pending), lag: sum((row) => row.lag) }
}
