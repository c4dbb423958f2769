/**
 * What KV says about documents that were refused: `mesh/status/<name>`, for people and for the next operator, which
 * takes the last good document from there. Nothing else keeps it: the operator has no state of its own.
 */

import {
  type Acceptance,
  type AcceptedSettings,
  acceptSettings,
  type Judge,
  type Refusal,
} from './settings.ts'

/** A row of KV. */
export interface KvRow {
  readonly text: string
  /** Consul's ModifyIndex, for compare-and-set. */
  readonly index: number
}

export type KvRows = ReadonlyMap<string, KvRow>

export interface SettingsStatus {
  readonly state: 'refused'
  /** Key of the document, e.g. `mesh/services/web`. */
  readonly document: string
  readonly errors: readonly string[]
  /** RFC 3339: since when the document does not validate. */
  readonly since: string
  /** Text of the document that is used instead; null when there was none. */
  readonly lastGood: string | null
}

export interface KvWrite {
  readonly key: string
  /** null removes the key. */
  readonly text: string | null
  /** Written only while the key has this index; 0: only while it does not exist. */
  readonly index: number
}

const PREFIX = 'mesh/status/'
const DEFAULTS_KEY = 'mesh/defaults'
const SERVICES_PREFIX = 'mesh/services/'

/** `mesh/status/<service>`, `mesh/status/defaults` for the mesh's own; a service of that name gets a longer key. */
export function statusKey(document: string): string {
  if (document === DEFAULTS_KEY) return `${PREFIX}defaults`
  const name = document.slice(SERVICES_PREFIX.length)
  return name === 'defaults' ? `${PREFIX}services/defaults` : `${PREFIX}${name}`
}

/**
 * As acceptSettings; the first time, the last good documents that KV remembers stand in for those that do not
 * validate now.
 * @param rows of KV below `mesh/status/`
 */
export function acceptDocuments(
  previous: AcceptedSettings | null,
  documents: ReadonlyMap<string, string>,
  rows: KvRows,
  judge?: Judge,
): Acceptance {
  if (previous !== null) return acceptSettings(previous, documents, judge)
  const remembered = lastGoodDocuments(documents, rows)
  if (remembered.size === 0) return acceptSettings(null, documents, judge)
  const first = acceptSettings(null, remembered, judge)
  const { pending, ...accepted } = acceptSettings(first.accepted, documents, judge)
  return { ...accepted, pending: new Set([...first.pending, ...pending]) }
}

/**
 * What has to be written so that KV tells what is refused now, and nothing else. Sorted by key.
 * @param keyOf where the status of a document goes; null for documents that others tell about
 */
export function planStatusWrites(
  refused: ReadonlyMap<string, Refusal>,
  rows: KvRows,
  now: string,
  keyOf: (document: string) => string | null = statusKey,
): readonly KvWrite[] {
  const writes: KvWrite[] = []
  const told = new Set<string>()
  for (const [document, { errors, lastGood }] of refused) {
    const key = keyOf(document)
    if (key === null) continue
    told.add(key)
    const row = rows.get(key)
    const before = row === undefined ? null : parseStatus(row.text)
    const status: SettingsStatus = {
      state: 'refused',
      document,
      errors,
      since: before?.document === document ? before.since : now,
      lastGood,
    }
    const text = JSON.stringify(status)
    if (row?.text !== text) writes.push({ key, text, index: row?.index ?? 0 })
  }
  for (const [key, row] of rows) {
    if (told.has(key) || !key.startsWith(PREFIX)) continue
    const before = parseStatus(row.text)
    // Other things may be told below the prefix, by others.
    if (before !== null && keyOf(before.document) === key) writes.push({ key, text: null, index: row.index })
  }
  return writes.sort((left, right) => (left.key < right.key ? -1 : 1))
}

/** null for a text that is no status. */
export function parseStatus(text: string): SettingsStatus | null {
  let value: Partial<SettingsStatus> | null
  try {
    value = JSON.parse(text) as Partial<SettingsStatus> | null
  } catch {
    return null // somebody wrote something else there
  }
  if (value === null || typeof value !== 'object' || value.state !== 'refused') return null
  const { document, errors, since, lastGood = null } = value
  if (typeof document !== 'string' || typeof since !== 'string' || !Array.isArray(errors)) return null
  return {
    state: 'refused',
    document,
    errors,
    since,
    lastGood: typeof lastGood === 'string' ? lastGood : null,
  }
}

/** What KV says against a document. */
export function errorsTold(document: string, rows: KvRows): readonly string[] {
  const row = rows.get(statusKey(document))
  const status = row === undefined ? null : parseStatus(row.text)
  return status?.document === document ? status.errors : []
}

/** Only of documents that exist: one that was deleted is gone with what it was. */
function lastGoodDocuments(documents: ReadonlyMap<string, string>, rows: KvRows): Map<string, string> {
  const remembered = new Map<string, string>()
  for (const document of documents.keys()) {
    const row = rows.get(statusKey(document))
    const status = row === undefined ? null : parseStatus(row.text)
    if (status?.document === document && status.lastGood !== null) remembered.set(document, status.lastGood)
  }
  return remembered
}
