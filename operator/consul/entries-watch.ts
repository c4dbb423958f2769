// Follows Consul's configuration entries, one blocking list for each kind. What cannot be read stays as it was read
// last, with the reason.
import { ENTRY_KINDS, type EntryKind } from '../core/policy/config-entries.ts'
import { type AnswerEvent, followBlockingQuery } from './blocking-query.ts'
import { ConsulError } from './consul-error.ts'
import type { Answer, ConsulReader } from './consul-reader.ts'
import { KeptRows } from './keep-lost.ts'

export interface EntriesWatchOptions {
  readonly reader: ConsulReader

  readonly signal: AbortSignal
  /** Rows of a kind, each time they differ; before the first time nothing is known of the kind. */
  readonly onRows: (kind: EntryKind, rows: readonly unknown[]) => void
  /** Why a kind cannot be read; null when it can. */
  readonly onDoubt: (kind: EntryKind, doubt: ConsulError | null) => void
  readonly waitMs?: number
}

type Rows = ReadonlyMap<string, unknown>

/** How many entries that vanished from a list are asked for one by one. */
const MOST_ASKED = 8

export async function watchEntries(options: EntriesWatchOptions): Promise<void> {
  await Promise.all(ENTRY_KINDS.map((kind) => watchKind(kind, options)))
}

async function watchKind(kind: EntryKind, options: EntriesWatchOptions): Promise<void> {
  const { reader, signal, onRows, onDoubt, waitMs = 20_000 } = options
  const kept = new KeptRows<unknown>((one, other) => JSON.stringify(one) === JSON.stringify(other))
  let before: Rows | null = null
  let told: string | null = null
  await followBlockingQuery({
    waitMs,
    signal,
    everyAnswer: true,
    read: async (o) => {
      const answer = await reader.entries(kind, o)
      await requireVisible(kind, before, answer, reader, signal)
      return answer
    },
    onAnswer: ({ body }: Answer<readonly unknown[]>, { backwards, broken }: AnswerEvent) => {
      onDoubt(kind, null)
      const rows = kept.accept(byName(body), backwards && broken)
      before = rows
      const text = JSON.stringify([...rows])
      if (text === told) return
      told = text
      onRows(kind, [...rows.values()])
    },
    onFailure: (error) => onDoubt(kind, error),
  })
}

/**
 * A token that may no longer read an entry gets a list without it, not an error (1.8.7 says nothing at all). What
 * vanished is asked for by name: 404 for what is gone, 403 for what must not be seen.
 * @throws ConsulError when something vanished that may still be there
 */
async function requireVisible(
  kind: EntryKind,
  before: Rows | null,
  { body, isFiltered = false }: Answer<readonly unknown[]>,
  reader: ConsulReader,
  signal: AbortSignal,
): Promise<void> {
  const names = byName(body)
  const vanished = [...(before ?? new Map<string, unknown>()).keys()].filter((name) => !names.has(name))
  if (vanished.length === 0) return
  if (isFiltered) throw hidden(kind, vanished[0]!)
  for (const name of vanished.slice(0, MOST_ASKED)) {
    if (await reader.hasEntry(kind, name, { signal })) throw hidden(kind, name)
  }
}

const hidden = (kind: EntryKind, name: string): ConsulError =>
  new ConsulError(
    'CONSUL_DENIED',
    'config.list',
    `${kind} ${name} is no longer listed and not gone: the token needs service_prefix "" read`,
  )

/** By name; a row without one is none of Consul's. */
function byName(rows: readonly unknown[]): Rows {
  const named = rows.map((row) => [String((row as { Name?: unknown } | null)?.Name ?? ''), row] as const)
  return new Map(named.filter(([name]) => name !== '').sort(([left], [right]) => (left < right ? -1 : 1)))
}
