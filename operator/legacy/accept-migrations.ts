/** Which migration of each topic is in force: a document that does not validate leaves the last good one. */

import type { Refusal } from '../core/settings.ts'
import { type KvRows, parseStatus } from '../core/settings-status.ts'
import { MIGRATION_PREFIX, MIGRATION_STATUS_PREFIX, type Migration, readMigration } from './migration.ts'

export interface AcceptedMigration {
  readonly migration: Migration
  /** The document it comes from. */
  readonly text: string
}

export interface AcceptedMigrations {
  readonly byTopic: ReadonlyMap<string, AcceptedMigration>
  /** By key of the document. */
  readonly refused: ReadonlyMap<string, Refusal>
}

export const migrationKey = (topic: string): string => `${MIGRATION_PREFIX}${topic}`

/** Key of KV that tells about a document. */
export const migrationStatusKey = (document: string): string =>
  `${MIGRATION_STATUS_PREFIX}${document.slice(MIGRATION_PREFIX.length)}`

/**
 * @param previous what was in force; null when the operator has just started, where KV's own memory of the last good
 *   documents stands in
 * @param rows of KV below `mesh/migration/` and `mesh/status/`
 */
export function acceptMigrations(previous: AcceptedMigrations | null, rows: KvRows): AcceptedMigrations {
  const byTopic = new Map<string, AcceptedMigration>()
  const refused = new Map<string, Refusal>()
  for (const [key, { text }] of rows) {
    if (!key.startsWith(MIGRATION_PREFIX)) continue
    const topic = key.slice(MIGRATION_PREFIX.length)
    const read = readMigration(topic, text)
    if (read.ok) {
      byTopic.set(topic, { migration: read.migration, text })
      continue
    }
    const kept = previous === null ? remembered(topic, rows) : previous.byTopic.get(topic)
    if (kept !== undefined) byTopic.set(topic, kept)
    refused.set(key, { errors: read.errors, lastGood: kept?.text ?? null })
  }
  return { byTopic, refused }
}

function remembered(topic: string, rows: KvRows): AcceptedMigration | undefined {
  const document = migrationKey(topic)
  const status = parseStatus(rows.get(migrationStatusKey(document))?.text ?? '')
  if (status?.document !== document || status.lastGood === null) return undefined
  const read = readMigration(topic, status.lastGood)
  return read.ok ? { migration: read.migration, text: status.lastGood } : undefined
}
