// Stands between the watch of the catalog and what decides: each snapshot goes on with the configuration entries and
// the members of subsets that belong to it. Start reading at #pump.
import { setTimeout as delay } from 'node:timers/promises'
import type { Intentions } from '../core/intentions/join-access.ts'
import {
  type AcceptedEntries,
  acceptEntries,
  ENTRY_KINDS,
  type EntryKind,
} from '../core/policy/config-entries.ts'
import type { Policies } from '../core/policy/policy-input.ts'
import type { Problem } from '../core/problem.ts'
import type { CatalogChange } from './catalog-watch.ts'
import { type ConsulError, isUnknownKind } from './consul-error.ts'
import type { ConsulReader } from './consul-reader.ts'
import { watchEntries } from './entries-watch.ts'
import { watchIntentions } from './intentions-watch.ts'
import { intentionReasons, namedReasons } from './policy-reasons.ts'
import { SubsetReader } from './subset-reader.ts'

export interface PolicyWatchOptions {
  readonly reader: ConsulReader
  readonly signal: AbortSignal
  /** A snapshot with its policies. */
  readonly onChange: (change: CatalogChange) => void
  /** Services that Consul does not answer for; what is known of one again is told after the snapshot that has it. */
  readonly onUnread: (unread: ReadonlyMap<string, ConsulError>) => void
  /** See IntentionsWatchOptions.gated. */
  readonly gated?: () => Promise<readonly string[]>
  /** Called once for each reason why entries cannot be read. */
  readonly onDoubt?: (kind: EntryKind | 'intentions', doubt: ConsulError) => void
}

/** A filter that Consul did not answer for is tried again after this long. */
const RETRY_MS = 1_000

export class PolicyWatch {
  readonly #options: PolicyWatchOptions
  readonly #subsets: SubsetReader
  readonly #rows = new Map<EntryKind, readonly unknown[]>()
  readonly #doubts = new Map<EntryKind, ConsulError>()
  #accepted: AcceptedEntries | null = null
  #intentions: Intentions | null = null
  #intentionsDoubt: ConsulError | null = null
  /** Not handed on yet: the newest snapshot with all that changed since the last one that was. */
  #pending: CatalogChange | null = null
  #last: CatalogChange | null = null
  #policies: Policies | undefined
  #unread: ReadonlyMap<string, ConsulError> = new Map()
  #toldUnread: ReadonlyMap<string, ConsulError> = new Map()
  #isStale = false
  /** Services whose subsets have to be read though the catalog says nothing new of them. */
  readonly #unsure = new Set<string>()
  #pumping = false
  /** A try is due; however often is read meanwhile, there is one. */
  #isRetrying = false

  constructor(options: PolicyWatchOptions) {
    this.#options = options
    this.#subsets = new SubsetReader(options.reader, options.signal)
  }

  /** Runs until the signal aborts. */
  async run(): Promise<void> {
    await Promise.all([this.#followEntries(), this.#followIntentions()])
  }

  async #followIntentions(): Promise<void> {
    const { reader, signal, onDoubt, gated } = this.#options
    await watchIntentions({
      reader,
      signal,
      ...(gated === undefined ? {} : { gated }),
      onIntentions: (intentions) => {
        this.#intentions = intentions
        this.#entriesChanged()
      },
      onDoubt: (doubt) => {
        if (this.#intentionsDoubt?.message === doubt?.message) return
        this.#intentionsDoubt = doubt
        if (doubt !== null) onDoubt?.('intentions', doubt)
        this.#entriesChanged()
      },
    })
  }

  async #followEntries(): Promise<void> {
    await watchEntries({
      reader: this.#options.reader,
      signal: this.#options.signal,
      onRows: (kind, rows) => {
        this.#rows.set(kind, rows)
        this.#entriesChanged()
      },
      onDoubt: (kind, doubt) => {
        const before = this.#doubts.get(kind)
        if (before?.message === doubt?.message) return
        if (doubt === null) this.#doubts.delete(kind)
        else {
          this.#doubts.set(kind, doubt)
          this.#options.onDoubt?.(kind, doubt)
        }
        this.#entriesChanged()
      },
    })
  }

  /** The catalog changed. */
  setCatalog(change: CatalogChange): void {
    const before = this.#pending
    this.#pending =
      before === null
        ? change
        : {
            ...change,
            changed: [...new Set([...before.changed, ...change.changed])],
            reasons: new Map([...before.reasons, ...change.reasons]),
            changedAtMs: Math.min(before.changedAtMs, change.changedAtMs),
            isReset: before.isReset || change.isReset,
          }
    void this.#pump()
  }

  /** Reads the members of all subsets again: the backstop of the periodic resync. */
  verify(): void {
    this.#readSubsetsOf(this.#accepted?.entries.resolvers.keys() ?? [])
  }

  #readSubsetsOf(services: Iterable<string>): void {
    for (const service of services) this.#unsure.add(service)
    void this.#pump()
  }

  /** Until the snapshot has gone on that has them, services that were read again count as unread. */
  setUnread(unread: ReadonlyMap<string, ConsulError>): void {
    this.#unread = unread
    const isBusy = this.#pumping || this.#pending !== null
    this.#tellUnread(isBusy ? new Map([...this.#toldUnread, ...unread]) : unread)
  }

  #tellUnread(unread: ReadonlyMap<string, ConsulError>): void {
    this.#toldUnread = unread
    this.#options.onUnread(unread)
  }

  #entriesChanged(): void {
    this.#isStale = true
    void this.#pump()
  }

  /** Nothing is decided before each kind was read or refused: what entries made must not be taken away by a restart. */
  #isKnown(): boolean {
    if (
      this.#intentions === null &&
      !isFinal(this.#intentionsDoubt ?? undefined) &&
      !this.#isWithoutConnect()
    )
      return false
    return ENTRY_KINDS.every((kind) => this.#rows.has(kind) || isFinal(this.#doubts.get(kind)))
  }

  /** Some versions refuse intentions, with 500, where Connect is switched off. */
  #isWithoutConnect(): boolean {
    return /connect (?:is not|must be) enabled/i.test(this.#intentionsDoubt?.message ?? '')
  }

  async #pump(): Promise<void> {
    if (this.#pumping || !this.#isKnown()) return
    this.#pumping = true
    while (this.#pending !== null || ((this.#isStale || this.#unsure.size > 0) && this.#last !== null)) {
      const change = this.#pending
      this.#pending = null
      const isStale = this.#isStale
      this.#isStale = false
      const atMs = Date.now()
      if (isStale || this.#accepted === null) this.#accepted = acceptEntries(this.#accepted, this.#rows)
      const { entries } = this.#accepted
      const changed = new Set([...(change?.changed ?? []), ...this.#unsure])
      this.#unsure.clear()
      // Where nothing has to be asked for, a change goes on at once.
      if (this.#subsets.isDue(entries, changed)) await this.#subsets.read(entries, changed)
      if (this.#options.signal.aborted) break
      const policies = this.#renewed()
      const next = change ?? this.#again(atMs)
      if (change === null && policies === this.#last?.snapshot.policies) continue
      const before = this.#last?.snapshot.policies
      const because = policies === before ? [] : ['configuration entries changed']
      const { services } = next.snapshot
      const reasons =
        because.length === 0
          ? next.reasons
          : new Map([
              ...intentionReasons(before?.intentions, policies.intentions, services.keys()),
              ...namedReasons(entries, because),
              ...next.reasons,
            ])
      this.#last = { ...next, reasons, snapshot: { services: next.snapshot.services, policies } }
      this.#options.onChange(this.#last)
      if (this.#pending === null && this.#toldUnread !== this.#unread) this.#tellUnread(this.#unread)
    }
    this.#pumping = false
    if (this.#pending === null && this.#toldUnread !== this.#unread) this.#tellUnread(this.#unread)
    if (this.#subsets.failures.length > 0) void this.#retry()
  }

  async #retry(): Promise<void> {
    if (this.#isRetrying) return
    this.#isRetrying = true
    const { signal } = this.#options
    await delay(RETRY_MS, undefined, { signal, ref: false }).catch(() => {})
    this.#isRetrying = false
    if (signal.aborted) return
    this.#readSubsetsOf(this.#subsets.failures.map(({ service }) => service))
  }

  /** The last snapshot once more: only what is said about it changed. */
  #again(changedAtMs: number): CatalogChange {
    return { ...this.#last!, changed: [], reasons: new Map(), changedAtMs, isReset: false }
  }

  /** The same object while nothing of it changed. */
  #renewed(): Policies {
    const { entries, problems } = this.#accepted!
    const { members } = this.#subsets
    const intentions = this.#intentions ?? NOT_KNOWN
    const all = [...problems, ...this.#readingProblems()]
    const before = this.#policies
    const isSame =
      before !== undefined &&
      before.entries === entries &&
      before.members === members &&
      before.intentions === intentions &&
      JSON.stringify(before.problems) === JSON.stringify(all)
    if (!isSame) this.#policies = { entries, members, intentions, problems: all }
    return this.#policies!
  }

  #intentionProblems(): Problem[] {
    if (this.#intentionsDoubt === null) return []
    const rest =
      this.#intentions === null
        ? 'what Kong enforces already stays, and nothing else is enforced'
        : 'those read last stay in force'
    const text = `intentions cannot be read (${this.#intentionsDoubt.message}); ${rest}`
    return [{ code: 'INTENTIONS_UNREAD', severity: 'error', service: '', message: text }]
  }

  #readingProblems(): Problem[] {
    const kinds = [...this.#doubts].map(([kind, { message }]): Problem => {
      const rest = this.#rows.has(kind) ? 'those read last stay' : 'none are used'
      const text = `entries of kind ${kind} cannot be read (${message}); ${rest}`
      return { code: 'ENTRIES_UNREAD', severity: 'error', service: '', message: text }
    })
    const subsets = this.#subsets.failures.map(({ service, subsets: names, error }): Problem => {
      const filters = names.map((name) => `Subsets.${name}.Filter`).join(', ')
      const text = `service-resolver ${service}: Consul does not answer for ${filters} (${error.message}); who was in there stays`
      return { code: 'SUBSET_UNREAD', severity: 'error', service, message: text }
    })
    return [...kinds, ...subsets, ...this.#intentionProblems()]
  }
}

const NOT_KNOWN: Intentions = { accepted: null, byDefault: null }

/** An answer, and not one that may be another in a moment: this Consul has no such entries, or not for this token. */
const isFinal = (doubt: ConsulError | undefined): boolean =>
  doubt !== undefined &&
  (doubt.code === 'CONSUL_DENIED' ||
    isUnknownKind(doubt.message) ||
    (doubt.status !== null && doubt.status >= 400 && doubt.status < 500))
