import type { KvWriter } from '../consul/kv-writer.ts'
import type { KvRows } from '../core/settings-status.ts'
import { StatusKeeper } from '../sync/status-keeper.ts'
import type { Logger } from '../telemetry/logger.ts'
import {
  type AcceptedMigrations,
  acceptMigrations,
  migrationKey,
  migrationStatusKey,
} from './accept-migrations.ts'
import { AS_BEFORE, MIGRATION_PREFIX, type Migration } from './migration.ts'

export interface MigrationBookOptions {
  readonly writer: KvWriter
  readonly log: Logger
  /** May this operator tell KV of documents that are refused? */
  readonly isActive: () => boolean
}

/** The migrations of KV as they are in force. */
export class MigrationBook {
  readonly #options: MigrationBookOptions
  readonly #statuses: StatusKeeper
  #rows: KvRows = new Map()
  /** null until KV was read. */
  #accepted: AcceptedMigrations | null = null

  constructor(options: MigrationBookOptions) {
    this.#options = options
    this.#statuses = new StatusKeeper({
      ...options,
      keyOf: (document) => (document.startsWith(MIGRATION_PREFIX) ? migrationStatusKey(document) : null),
    })
  }

  /** null until KV was read: then nobody knows where a task belongs. */
  get(topic: string): Migration | null {
    if (this.#accepted === null) return null
    return this.#accepted.byTopic.get(topic)?.migration ?? AS_BEFORE
  }

  /** Does the topic have a document? */
  has(topic: string): boolean {
    return this.#rows.has(migrationKey(topic))
  }

  /** Topics that have a document, sorted. */
  topics(): readonly string[] {
    const keys = [...this.#rows.keys()].filter((key) => key.startsWith(MIGRATION_PREFIX))
    return keys.map((key) => key.slice(MIGRATION_PREFIX.length)).sort()
  }

  /** Why the topic's document is refused; empty when it is not. */
  errors(topic: string): readonly string[] {
    return this.#accepted?.refused.get(migrationKey(topic))?.errors ?? []
  }

  /** What KV holds now. */
  setRows(rows: KvRows): void {
    const before = this.#accepted
    this.#rows = rows
    this.#accepted = acceptMigrations(before, rows)
    this.#tell(before, this.#accepted)
    this.#statuses.setRows(rows)
    this.#statuses.setRefused(this.#accepted.refused)
  }

  /** A document that was written here is in force at once, elsewhere as soon as KV is read. */
  setDocument(topic: string, text: string): void {
    const key = migrationKey(topic)
    this.setRows(new Map(this.#rows).set(key, { text, index: this.#rows.get(key)?.index ?? 0 }))
  }

  /** Tells KV again what is refused, if this operator may. */
  review(): void {
    this.#statuses.review()
  }

  #tell(before: AcceptedMigrations | null, now: AcceptedMigrations): void {
    const { log } = this.#options
    for (const topic of new Set([...(before?.byTopic.keys() ?? []), ...now.byTopic.keys()])) {
      const from = before?.byTopic.get(topic)?.migration ?? AS_BEFORE
      const to = now.byTopic.get(topic)?.migration ?? AS_BEFORE
      if (JSON.stringify(from) === JSON.stringify(to)) continue
      log.info('a topic is migrated', { topic, from: from.mode, to: to.mode, service: to.service })
    }
    for (const [document, { errors }] of now.refused) {
      const told = before?.refused.get(document)?.errors ?? []
      const reason = errors.join('; ')
      if (told.join('; ') === reason) continue
      log.warn('a migration is refused: the last good one stays', {
        code: 'MIGRATION_REFUSED',
        document,
        reason,
      })
    }
  }
}
