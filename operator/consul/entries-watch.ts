// Follows Consul's configuration entries, one blocking list for each kind. What cannot be read stays as it was read
// last, with the reason.
import { ENTRY_KINDS, type EntryKind, nameOf } from '../core/policy/config-entries.ts'
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

/** Read whenever the list that it goes with was answered: each list that is waited for is a connection to Consul. */
const GOES_WITH: Partial<Record<EntryKind, EntryKind>> = { 'service-defaults': 'proxy-defaults' }

/**
 * A change is seen at once. One of proxy-defaults, a single entry that hardly ever changes, may take as long as a read
 * waits, where Consul does not wake the list of service-defaults for it.
 */
export async function watchEntries(options: EntriesWatchOptions): Promise<void> {
  const led = new Set(Object.values(GOES_WITH))
  await Promise.all(ENTRY_KINDS.filter((kind) => !led.has(kind)).map((kind) => watchKind(kind, options)))
}

async function watchKind(kind: EntryKind, options: EntriesWatchOptions): Promise<void> {
  const { reader, signal, onDoubt, waitMs = 24_000 } = options
  const led = GOES_WITH[kind]
  const list = new EntryList(kind, options)
  const beside = led === undefined ? null : new EntryList(led, options)
  await followBlockingQuery({
    // What goes with a list is read no sooner than that.
    waitMs: led === undefined ? 2 * waitMs : waitMs,
    signal,
    everyAnswer: true,
    read: async (o) => {
      const answer = await reader.entries(kind, o)
      await list.requireVisible(answer)
      return answer
    },
    onAnswer: (answer: Answer<readonly unknown[]>, { backwards, broken }: AnswerEvent) => {
      const isLoss = backwards && broken
      list.accept(answer, isLoss)
      beside?.readNext(isLoss)
    },
    onFailure: (error) => {
      onDoubt(kind, error)
      beside?.readNext(false)
    },
  })
}

/** What is known of the entries of a kind. */
class EntryList {
  readonly #kind: EntryKind
  readonly #options: EntriesWatchOptions
  readonly #kept = new KeptRows<unknown>((one, other) => JSON.stringify(one) === JSON.stringify(other))
  #before: Rows | null = null
  #told: string | null = null
  #reading: Promise<void> = Promise.resolve()

  constructor(kind: EntryKind, options: EntriesWatchOptions) {
    this.#kind = kind
    this.#options = options
  }

  /** Reads it once more, after the reads before: an answer never comes behind a later one's. */
  readNext(isLoss: boolean): void {
    this.#reading = this.#reading.then(() => this.#read(isLoss))
  }

  async #read(isLoss: boolean): Promise<void> {
    const { reader, signal, onDoubt } = this.#options
    if (signal.aborted) return
    try {
      const answer = await reader.entries(this.#kind, { signal })
      await this.requireVisible(answer)
      this.accept(answer, isLoss)
    } catch (error) {
      if (!signal.aborted) onDoubt(this.#kind, error as ConsulError)
    }
  }

  /** @param isLoss Consul has lost what it knew */
  accept({ body }: Answer<readonly unknown[]>, isLoss: boolean): void {
    const { onRows, onDoubt } = this.#options
    onDoubt(this.#kind, null)
    const rows = this.#kept.accept(byName(body), isLoss)
    this.#before = rows
    const text = JSON.stringify([...rows])
    if (text === this.#told) return
    this.#told = text
    onRows(this.#kind, [...rows.values()])
  }

  async requireVisible(answer: Answer<readonly unknown[]>): Promise<void> {
    const { reader, signal } = this.#options
    await requireVisible(this.#kind, this.#before, answer, reader, signal)
  }
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
  const named = rows.map((row) => [nameOf(row), row] as const)
  return new Map(named.filter(([name]) => name !== '').sort(([left], [right]) => (left < right ? -1 : 1)))
}
