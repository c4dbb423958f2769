// Follows Consul's configuration entries, one blocking list for each kind. What cannot be read stays as it was read
// last, with the reason.
import { ENTRY_KINDS, type EntryKind } from '../core/policy/config-entries.ts'
import { followBlockingQuery } from './blocking-query.ts'
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

/**
 * They say which protocol a service has, and hardly ever change but before one of the others: read with those, since each
 * list that is waited for is a connection to Consul.
 */
const LED: readonly EntryKind[] = ['service-defaults', 'proxy-defaults']
/** They are read with every answer of this one, and with news of the others. */
const LEADER: EntryKind = 'service-router'

/** A change is seen at once; one of the defaults, where Consul tells of nothing else, as late as a read waits. */
export async function watchEntries(options: EntriesWatchOptions): Promise<void> {
  const led = LED.map((kind) => new EntryList(kind, options))
  const followed = ENTRY_KINDS.filter((kind) => !LED.includes(kind))
  await Promise.all(followed.map((kind) => watchKind(kind, led, options)))
}

async function watchKind(
  kind: EntryKind,
  led: readonly EntryList[],
  options: EntriesWatchOptions,
): Promise<void> {
  const { reader, signal, onDoubt, waitMs = 24_000 } = options
  const list = new EntryList(kind, options)
  let index: bigint | null = null
  await followBlockingQuery({
    // What goes with a list is read no sooner than that.
    waitMs: kind === LEADER ? waitMs : 2 * waitMs,
    signal,
    everyAnswer: true,
    read: async (o) => {
      const answer = await reader.entries(kind, o)
      await list.requireVisible(answer)
      // First: Consul takes a router for http alone, and so do we, which the defaults of a new service say.
      if (kind === LEADER || answer.index !== index) await Promise.all(led.map((each) => each.readNext()))
      index = answer.index
      return answer
    },
    onAnswer: (answer, { backwards, broken }) => list.accept(answer, backwards && broken),
    onFailure: (error) => {
      onDoubt(kind, error)
      for (const each of led) each.readAfterBreak()
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
  #index = 0n
  /** It, or a list beside it, could not be read since its last answer. */
  #isBroken = false

  constructor(kind: EntryKind, options: EntriesWatchOptions) {
    this.#kind = kind
    this.#options = options
  }

  /** Reads it once more, after the reads before: an answer never comes behind a later one's. */
  async readNext(): Promise<void> {
    this.#reading = this.#reading.then(() => this.#read())
    await this.#reading
  }

  /** Another list could not be read: the next answer may be that of a Consul without its data. */
  readAfterBreak(): void {
    this.#isBroken = true
    void this.readNext()
  }

  async #read(): Promise<void> {
    const { reader, signal, onDoubt } = this.#options
    if (signal.aborted) return
    try {
      const answer = await reader.entries(this.#kind, { signal })
      await this.requireVisible(answer)
      this.accept(answer, this.#isBroken && answer.index < this.#index)
      this.#isBroken = false
      this.#index = answer.index
    } catch (error) {
      if (signal.aborted) return
      this.#isBroken = true
      onDoubt(this.#kind, error as ConsulError)
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
  const named = rows.map((row) => [String((row as { Name?: unknown } | null)?.Name ?? ''), row] as const)
  return new Map(named.filter(([name]) => name !== '').sort(([left], [right]) => (left < right ? -1 : 1)))
}
