import { RequestError } from '../http/request-error.ts'
import { addCall } from './call-store.ts'
import type { Migration } from './migration.ts'
import type { MigrationBook } from './migration-book.ts'
import type { MigrationCounter } from './migration-counter.ts'
import type { MirrorCalls } from './mirror-calls.ts'
import { addTask } from './queue-store.ts'
import type { RedisCommand } from './redis-connection.ts'
import type { CallPlan } from './task-call.ts'
import { traceHeaders } from './trace-headers.ts'

export interface EnqueueParts {
  readonly run: RedisCommand
  readonly book: MigrationBook
  readonly count: MigrationCounter
  readonly mirror: MirrorCalls
  /** Something waits for its call. */
  readonly kick: (topic: string) => void
}

export interface EnqueueRequest {
  readonly topic: string
  readonly task: object
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/**
 * Takes one task. The mode is looked at once: the task goes into the queue or waits for a call, never both, whatever
 * is switched meanwhile.
 * @returns its id
 */
export async function enqueue(
  { run, book, count, mirror, kick }: EnqueueParts,
  { topic, task, headers }: EnqueueRequest,
): Promise<string> {
  const migration = migrationOf(book, topic)
  const text = JSON.stringify(task)
  const plan = planOf(migration, traceHeaders(headers))
  try {
    if (migration.mode === 'mesh' && plan !== null) {
      const id = await addCall(run, topic, text, plan)
      if (id === null) {
        throw new RequestError(503, `${plan.service} does not keep up: as many tasks of ${topic} wait as may`)
      }
      count(topic, 'mesh', 'accepted')
      kick(topic)
      return id
    }
    const id = await addTask(run, topic, text)
    count(topic, migration.mode, 'queued')
    if (migration.mode === 'mirror' && plan !== null) mirror.offer({ id, topic, text }, plan)
    return id
  } catch (error) {
    count(topic, migration.mode, 'refused')
    throw error
  }
}

/** @throws RequestError 503 before KV was read: a task of a migrated topic must not go to a queue that nobody reads */
export function migrationOf(book: MigrationBook, topic: string): Migration {
  const migration = book.get(topic)
  if (migration !== null) return migration
  throw new RequestError(503, 'migrations are not read from Consul yet: try again')
}

/** null in mode `queue`, where nothing is called. */
export function planOf(
  { mode, service, path, timeout }: Migration,
  headers: Readonly<Record<string, string>>,
): CallPlan | null {
  if (mode === 'queue' || service === null) return null
  return { service, path, timeoutMs: timeout * 1000, headers }
}
