import type { KvRow, KvRows } from '../core/settings-status.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type AnswerEvent, followBlockingQuery } from './blocking-query.ts'
import type { ConsulError } from './consul-error.ts'
import type { Answer, ConsulReader } from './consul-reader.ts'
import { KeptRows } from './keep-lost.ts'
import type { RawKey } from './raw-rows.ts'

export interface SettingsWatchOptions {
  readonly reader: ConsulReader
  readonly log: Logger
  readonly signal: AbortSignal
  /** All setting documents by key, as text; called when one of them came, went or changed. */
  readonly onDocuments: (documents: ReadonlyMap<string, string>, changedAtMs: number) => void
  /**
   * The other rows below `mesh/`, most of which kongsul itself writes (status, pause, guard, ejections, migration,
   * silences, canaries, alerts); before the documents of the same answer, with every answer.
   */
  readonly onRows?: (rows: KvRows) => void
  readonly onDoubt: (doubt: ConsulError | null) => void
  readonly waitMs?: number
}

/** What is handed to onRows. */
const OWN_ROWS =
  /^mesh\/(?:(?:status|pause|guard|ejections|migration|silences|canaries|identities)\/.|alerts$|format$)/

/** Rows of these that Consul lost are kept, each kind on its own. */
const KEPT_PREFIXES = [
  'mesh/pause/',
  'mesh/migration/',
  'mesh/silences/',
  'mesh/canaries/',
  'mesh/alerts',
  'mesh/identities/',
]

export const SETTINGS_PREFIX = 'mesh/'
/** Below `mesh/`, but written by us (or by other parts of kongsul), not settings. */
const NOT_SETTINGS =
  /^mesh\/(status|ejections|leader|pause|guard|silences|migration|canaries|alerts|identities|format)(\/|$)/

/**
 * Follows the settings in KV. Documents that are missing after Consul was away and the index went backwards were not
 * deleted by anybody: Consul came back without its data. They are kept until somebody changes a document; pauses the
 * same, and migrations. The index alone says nothing: `consul kv delete -recurse mesh` makes it fall to that of an older
 * deletion, or stay if that was the last change.
 */
export async function watchSettings(options: SettingsWatchOptions): Promise<void> {
  const { reader, log, signal, onDocuments, onRows, onDoubt, waitMs = 20_000 } = options
  let before: ReadonlyMap<string, string> | null = null
  const settings = new KeptRows<string>((one, other) => one === other)
  const ownRows = KEPT_PREFIXES.map((prefix) => ({
    prefix,
    kept: new KeptRows<KvRow>((one, other) => one.text === other.text),
  }))
  const onAnswer = ({ body }: Answer<readonly RawKey[]>, event: AnswerEvent) => {
    const isLoss = event.backwards && event.broken
    onDoubt(null)
    const rows = rowsOf(body)
    const keptRows = ownRows.flatMap(({ prefix, kept }) => [
      ...kept.accept(new Map([...rows].filter(([key]) => key.startsWith(prefix))), isLoss),
    ])
    onRows?.(new Map([...rows, ...keptRows]))
    const documents = settings.accept(documentsOf(body), isLoss)
    const lost = ownRows.reduce((sum, { kept }) => sum + kept.lost, settings.lost)
    if (isLoss && lost > 0) log.warn('settings vanished with a reset index and are kept', { keys: lost })
    if (before !== null && sameDocuments(before, documents)) return
    before = documents
    onDocuments(documents, Date.now())
  }
  await followBlockingQuery({
    read: (o) => reader.keys(SETTINGS_PREFIX, o),
    waitMs,
    signal,
    onAnswer,
    onFailure: onDoubt,
    everyAnswer: true,
  })
}

/** The rows that are for onRows. */
export function rowsOf(keys: readonly RawKey[]): KvRows {
  const own = keys.filter(({ Key }) => OWN_ROWS.test(Key))
  return new Map(own.map(({ Key, Value, ModifyIndex }) => [Key, { text: Value ?? '', index: ModifyIndex }]))
}

/** Texts of documents by key, of settings and others. */
export function documentsOf(keys: readonly RawKey[]): ReadonlyMap<string, string> {
  const documents = keys.filter(({ Key }) => !NOT_SETTINGS.test(Key) && !Key.endsWith('/'))
  return new Map(documents.map(({ Key, Value }) => [Key, Value ?? '']))
}

function sameDocuments(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return one.size === other.size && [...one].every(([key, text]) => other.get(key) === text)
}
