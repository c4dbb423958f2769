// The old Redis API put together: connection, migrations, calls. Everything is handed in; start at startLegacy.
import { createProxyClient } from '../call/proxy-client.ts'
import type { ConsulReader } from '../consul/consul-reader.ts'
import type { KvWriter } from '../consul/kv-writer.ts'
import type { KvRows } from '../core/settings-status.ts'
import { RequestError } from '../http/request-error.ts'
import type { TlsConfig } from '../secrets/tls-options.ts'
import type { RedisConfig } from '../sync/operator-config.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { callServiceThrough, LONGEST_ANSWER_BYTES } from './call-service.ts'
import { type DeadLetters, replayDead } from './dead-letters.ts'
import { enqueue } from './enqueue.ts'
import { MeshCalls } from './mesh-calls.ts'
import { MigrationBook } from './migration-book.ts'
import { createMigrationCounter } from './migration-counter.ts'
import { type MigrationStatus, readMigrationStatus } from './migration-status.ts'
import { MirrorCalls } from './mirror-calls.ts'
import { readAgents, readLengths, readNewestDead, readResults, readTopics } from './queue-store.ts'
import { RedisConnection } from './redis-connection.ts'
import { type MigrationWish, setMigration } from './set-migration.ts'
import { entriesJson } from './stream-entry.ts'

export interface LegacyOptions {
  /** undefined: the old paths answer 503. */
  readonly redis: RedisConfig | undefined
  readonly proxyUrl: string
  readonly proxyTls?: TlsConfig | undefined
  readonly hostOf: (service: string) => string
  /** Is there such a service in the catalog? */
  readonly knows: (service: string) => boolean
  readonly reader: ConsulReader
  readonly writer: KvWriter
  readonly metrics: Metrics
  readonly log: Logger
  /** Name of this operator among those of the mesh, the same after a restart. */
  readonly operatorId: () => string
  /** May this operator call services with the tasks that wait? */
  readonly mayCall: boolean
  /** May this operator write statuses to KV? */
  readonly isActive: () => boolean
}

export interface LegacyApi {
  /** What KV holds now. */
  setRows(rows: KvRows): void
  /** Tells KV again what is refused. */
  review(): void
  /** Goes on with what waits. */
  start(): void
  stop(): Promise<void>
  /** @returns the task's id @throws RequestError, RedisError */
  enqueue(topic: string, task: object, headers: Headers): Promise<string>
  /** JSON text of the list. @throws RedisError */
  results(topic: string, count: number): Promise<string>
  /** JSON texts. @throws RedisError */
  agents(): Promise<readonly string[]>
  migrations(): Promise<readonly MigrationStatus[]>
  migration(topic: string): Promise<MigrationStatus>
  setMigration(topic: string, wish: MigrationWish): Promise<MigrationStatus>
  /** JSON text of the newest dead letters, and how many there are. */
  dead(topic: string, count: number): Promise<{ readonly json: string; readonly total: number }>
  replayDead(topic: string, ids: readonly string[] | null): Promise<DeadLetters>
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

/** Topics that are listed at once. */
const MOST_LISTED = 200

/** To Kong, for all topics together. */
const MOST_CONNECTIONS = 64

const NO_REDIS =
  'the old API needs Redis: set REDIS_URL (or redis.url in kongsul.yaml) and start the operator again'

export function startLegacy(options: LegacyOptions): LegacyApi {
  const { redis, log, metrics, writer, reader, isActive, knows } = options
  const book = new MigrationBook({ writer, log, isActive })
  const count = createMigrationCounter(metrics.migrationTasks, (topic) => book.has(topic))
  const connection = redis === undefined ? null : new RedisConnection({ redis, log })
  const run = async (...words: readonly string[]): Promise<unknown> => {
    if (connection === null) throw new RequestError(503, NO_REDIS)
    return await connection.run(...words)
  }
  const proxy = createProxyClient(options.proxyUrl, {
    tls: options.proxyTls,
    mostBytes: LONGEST_ANSWER_BYTES,
    mostConnections: MOST_CONNECTIONS,
  })
  const callService = callServiceThrough(proxy, options.hostOf)
  const mirror = new MirrorCalls({ callService, count, log })
  let calls: MeshCalls | null = null

  const parts = { run, book, count, mirror, kick: (topic: string) => calls?.kick(topic) }
  const status = (topic: string) => readMigrationStatus({ run, book, knows }, topic)
  return {
    setRows: (rows) => book.setRows(rows),
    review: () => book.review(),
    start: () => {
      if (connection === null || !options.mayCall) return
      const consumer = options.operatorId()
      calls = new MeshCalls({ run, callService, count, log, consumer })
      calls.start()
    },
    stop: async () => {
      mirror.stop()
      await calls?.stop()
      connection?.stop()
      proxy.close()
    },
    enqueue: (topic, task, headers) => enqueue(parts, { topic, task, headers }),
    results: async (topic, most) => entriesJson(await readResults(run, topic, most)),
    agents: () => readAgents(run),
    migrations: async () => {
      const topics = new Set([...book.topics(), ...(await readTopics(run))])
      return await Promise.all([...topics].slice(0, MOST_LISTED).map(status))
    },
    migration: status,
    setMigration: async (topic, wish) => {
      await setMigration({ run, book, knows, reader, writer }, topic, wish)
      return await status(topic)
    },
    dead: async (topic, most) => {
      const [entries, { dead }] = await Promise.all([
        readNewestDead(run, topic, most),
        readLengths(run, topic),
      ])
      return { json: entriesJson(entries), total: dead }
    },
    replayDead: (topic, ids) => replayDead(parts, topic, ids),
  }
}
