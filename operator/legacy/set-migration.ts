import type { ConsulReader } from '../consul/consul-reader.ts'
import type { KvWriter } from '../consul/kv-writer.ts'
import { invalidField, RequestError } from '../http/request-error.ts'
import { migrationKey } from './accept-migrations.ts'
import { AS_BEFORE, type Migration, type MigrationMode, migrationText, readMigration } from './migration.ts'
import type { MigrationBook } from './migration-book.ts'
import { behind } from './migration-status.ts'
import { readGroups, readLengths } from './queue-store.ts'
import type { RedisCommand } from './redis-connection.ts'

/** What is not named stays as it is. */
export interface MigrationWish {
  readonly mode: MigrationMode
  readonly service?: string | undefined
  readonly path?: string | undefined
  /** Seconds. */
  readonly timeout?: number | undefined
  /** Whatever is pending, and whether the service exists or not. */
  readonly force?: boolean | undefined
}

export interface SetParts {
  readonly run: RedisCommand
  readonly book: MigrationBook
  readonly knows: (service: string) => boolean
  readonly reader: Pick<ConsulReader, 'keys'>
  readonly writer: Pick<KvWriter, 'write'>
}

/** Somebody else may write the document meanwhile; three in a row is somebody who goes on. */
const TRIES = 3

/**
 * Writes the document of a topic, only over the one that was read.
 * @throws RequestError 409 when `mesh` would leave tasks or call nobody, or the document is changed all the time; 422;
 *   ConsulError; RedisError
 */
export async function setMigration(parts: SetParts, topic: string, wish: MigrationWish): Promise<void> {
  const { book, reader, writer } = parts
  const key = migrationKey(topic)
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const { body } = await reader.keys(key, { stale: false })
    const row = body.find(({ Key }) => Key === key)
    const read = row === undefined ? null : readMigration(topic, row.Value ?? '')
    const before = read?.ok ? read.migration : (book.get(topic) ?? AS_BEFORE)
    const next: Migration = {
      mode: wish.mode,
      service: wish.service ?? before.service,
      path: wish.path ?? before.path,
      timeout: wish.timeout ?? before.timeout,
    }
    if (next.mode !== 'queue' && next.service === null) {
      throw invalidField('service', `must name the service that mode ${next.mode} calls`)
    }
    if (wish.force !== true) await refuseLoss(parts, topic, before, next)
    const text = migrationText(next)
    if (await writer.write({ key, text, index: row?.ModifyIndex ?? 0 })) {
      book.setDocument(topic, text)
      return
    }
  }
  throw new RequestError(409, `KV ${key} was changed by somebody else ${TRIES} times; try again`)
}

/** In mode `mesh` nobody looks at the queue any more, and every task needs the service. */
async function refuseLoss(
  { run, knows }: SetParts,
  topic: string,
  before: Migration,
  next: Migration,
): Promise<void> {
  if (next.mode !== 'mesh') return
  const reasons: string[] = []
  if (!knows(next.service!)) reasons.push(`service ${next.service} is not in the catalog`)
  if (before.mode !== 'mesh') {
    const [groups, lengths] = await Promise.all([readGroups(run, topic), readLengths(run, topic)])
    const { pending, lag } = behind(groups, lengths.tasks)
    if (pending + lag > 0) {
      reasons.push(`old workers have not finished: ${pending} tasks pending, ${lag} not taken yet`)
    }
  }
  if (reasons.length === 0) return
  throw new RequestError(409, `${topic} stays in mode ${before.mode}: ${reasons.join('; ')}`, reasons)
}
