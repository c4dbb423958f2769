// Follows the whole catalog with three blocking queries, however many services there are. What woke them names the
// services to read again; what they cannot name (an instance without checks that came, changed or went under a
// name that stays) is found by the index they leave unexplained. Start reading at CatalogWatch.run.
import { setTimeout as delay } from 'node:timers/promises'
import type { CatalogSnapshot } from '../core/catalog.ts'
import type { Logger } from '../telemetry/logger.ts'
import { isAskable } from './askable-name.ts'
import { type AnswerEvent, followBlockingQuery } from './blocking-query.ts'
import { requireAll, requireConsul } from './catalog-doubt.ts'
import { CatalogTable } from './catalog-table.ts'
import { CheckAgreement } from './check-agreement.ts'
import { type CheckTable, checkTable, nameTable, touchedByChecks, touchedNames } from './check-changes.ts'
import { ConsulError, consulError, isAboutOneService } from './consul-error.ts'
import type { Answer, ConsulReader } from './consul-reader.ts'
import { describeChange } from './describe-change.ts'
import type { ListedRows } from './listed-rows.ts'
import { isOtherConsul, nodeIds } from './other-consul.ts'
import { ANYTHING, type Expectation, PendingReads } from './pending-reads.ts'
import type { RawCheck, RawNode, RawServiceRow } from './raw-rows.ts'
import { readServices } from './read-services.ts'
import { RetryPace } from './retry-pace.ts'
import { SweepSchedule } from './sweep-schedule.ts'
import { UnreadServices } from './unread-services.ts'
import { WatchDoubt } from './watch-doubt.ts'

export interface CatalogChange {
  readonly snapshot: CatalogSnapshot
  /** Services whose instances differ from the snapshot before; all of them the first time. */
  readonly changed: readonly string[]
  /** What happened, by service: 'check service:web-1 of web-1 critical'. Empty the first time. */
  readonly reasons: ReadonlyMap<string, readonly string[]>
  /** When Consul's answer told of the (first) change, in epoch ms. */
  readonly changedAtMs: number
  /**
   * Consul was away and is back as another one, or without what it knew: nobody deregistered what is missing now.
   */
  readonly isReset: boolean
}

export interface CatalogWatchOptions {
  readonly reader: ConsulReader
  readonly log: Logger
  readonly signal: AbortSignal
  readonly onChange: (change: CatalogChange) => void
  /** Called when reading begins to fail (with the reason) and when it works again (null). */
  readonly onDoubt: (doubt: ConsulError | null) => void
  /**
   * Services that Consul does not answer for while it does for others. What was read of them stands; of one that was
   * never read nothing is known.
   */
  readonly onUnread?: (unread: ReadonlyMap<string, ConsulError>) => void
  /**
   * Services that Kong has something of, once that is known. A token that may not read a service gets lists without it, not an
   * error, so of those that are in no list the token's right is asked for before they count as gone.
   */
  readonly held?: () => Promise<readonly string[]>
  readonly parallel?: number
  readonly waitMs?: number
}

/** How many services one pass reads before it reports: bounds what a burst can make one change wait. */
const PASS_SIZE = 64
const RETRY = { firstMs: 50, maxMs: 5000 }

export class CatalogWatch {
  readonly #options: CatalogWatchOptions
  readonly #parallel: number
  readonly #doubt: WatchDoubt
  readonly #table = new CatalogTable()
  readonly #pending = new PendingReads()
  readonly #sweeps: SweepSchedule
  readonly #unread: UnreadServices
  #snapshot: CatalogSnapshot | null = null
  #names: ReadonlyMap<string, string> = new Map()
  #namesIndex = 0n
  #isFiltered = false
  #checks: CheckTable = new Map()
  readonly #agreement = new CheckAgreement()
  #nodes: ReadonlyMap<string, string> = new Map()
  #nodeIds: ReadonlySet<string> = new Set()
  /** What the last search of the catalog has shown, until all that it found is read. */
  #listed: ListedRows | null = null
  /** The index went backwards while Consul was away. */
  #isBackwards = false
  #reload = false
  #pumping = false
  /** Resolves when the pass that is being read has been taken over, or has failed. */
  #underWay: Promise<void> = Promise.resolve()
  #sinceMs: number | null = null

  constructor(options: CatalogWatchOptions) {
    this.#options = options
    this.#parallel = options.parallel ?? 8
    this.#doubt = new WatchDoubt(['names', 'checks'], options.onDoubt)
    this.#unread = new UnreadServices({
      onDue: (service, expected) => {
        this.#want(service, expected)
        this.#begin()
      },
      onChange: (unread) => options.onUnread?.(unread),
    })
    this.#sweeps = new SweepSchedule({
      reader: options.reader,
      signal: options.signal,
      parallel: this.#parallel,
      nodes: () => [...this.#nodes.keys()],
      table: () => this.#table.services,
      explained: (from, to) => this.#table.explained(from, to, this.#checks),
      busy: () => this.#pending.size > 0 || this.#reload || this.#pumping,
      olderAnswers: async () => {
        this.#listed = null
        await this.#underWay
      },
      found: (services, sinceMs, listed) => {
        this.#listed = listed
        for (const [name, minIndex] of services) this.#want(name, { ...ANYTHING, minIndex })
        this.#begin(sinceMs)
      },
      searched: ({ how, found, tookMs }) =>
        options.log.debug('catalog searched', { how, found, ms: Math.round(tookMs) }),
      impossible: () => this.#touch(this.#names.keys()),
      failed: (error) =>
        options.log.debug('listing the catalog failed', { code: error.code, reason: error.message }),
    })
  }

  /** Runs until the signal aborts. Nothing is reported before everything has been read once. */
  async run(): Promise<void> {
    const { reader, signal, waitMs = 12_000 } = this.#options
    const loop = (name: string) => ({ signal, onFailure: (error: ConsulError) => this.#failed(name, error) })
    await Promise.all([
      followBlockingQuery({ ...loop('names'), waitMs, read: this.#readNames, onAnswer: this.#onNames }),
      followBlockingQuery({
        ...loop('checks'),
        waitMs: 2 * waitMs,
        read: reader.troubledChecks,
        onAnswer: this.#onChecks,
      }),
      // Addresses of nodes change hardly ever, and neither of the others tells of it.
      followBlockingQuery({
        ...loop('nodes'),
        waitMs: 4 * waitMs,
        read: reader.nodes,
        onAnswer: this.#onNodes,
      }),
    ])
    this.#sweeps.stop()
    this.#unread.stop()
  }

  /** Compares everything read so far with a listing of the catalog: the backstop of the periodic resync. */
  verify(): void {
    if (this.#snapshot !== null) this.#sweeps.demand()
  }

  readonly #readNames: ConsulReader['services'] = async (options) => {
    const sentMs = performance.now()
    const answer = await this.#options.reader.services(options)
    if (answer.index === this.#namesIndex) this.#sweeps.unmoved(sentMs)
    return answer
  }

  readonly #onNames = (
    { body, index, isFiltered = false }: Answer<Readonly<Record<string, readonly string[]>>>,
    { fresh, backwards, broken }: AnswerEvent,
  ): void => {
    requireConsul(body)
    const names = nameTable(body)
    const before = this.#names
    if (isFiltered && !this.#isFiltered) requireAll(before, names)
    this.#isFiltered = isFiltered
    this.#warnOfUnaskable(names, before)
    const from = this.#namesIndex
    this.#names = names
    this.#namesIndex = index
    this.#doubt.answered('names')
    if (backwards && broken) this.#isBackwards = true
    if (fresh) {
      this.#readAll()
      return
    }
    this.#touch(touchedNames(before, names))
    this.#sweeps.suspect(from, index)
    this.#settleAtRest()
  }

  readonly #onChecks = ({ body, index }: Answer<readonly RawCheck[]>, { fresh }: AnswerEvent): void => {
    this.#sweeps.observe(index)
    const checks = checkTable(body)
    const before = this.#checks
    this.#checks = checks
    const apart = this.#agreement.listed(checks, index, this.#table.services)
    this.#doubt.answered('checks')
    if (fresh) {
      this.#readAll()
      return
    }
    for (const { service, node, minIndex, recovered } of touchedByChecks(before, checks)) {
      const expected = { minIndex, recovered: new Set(recovered === '' ? [] : [recovered]) }
      const names = node === '' ? [service] : this.#table.servicesOn(new Set([node]))
      for (const name of names) this.#want(name, expected)
    }
    for (const [name, expected] of apart) this.#want(name, expected)
    this.#begin()
    this.#settleAtRest()
  }

  readonly #onNodes = ({ body, index }: Answer<readonly RawNode[]>): void => {
    this.#sweeps.observe(index)
    const before = this.#nodes
    this.#nodes = new Map(body.map((node) => [node.Node, node.Address]))
    // After a break they are compared first.
    if (!this.#doubt.isBroken && !this.#reload && !this.#pumping) this.#nodeIds = nodeIds(body)
    const moved = [...this.#nodes].filter(([node, address]) => (before.get(node) ?? address) !== address)
    if (moved.length > 0) {
      this.#touch(this.#table.servicesOn(new Set(moved.map(([node]) => node))))
    }
    if (before.size > 0 && body.some((node) => !before.has(node.Node))) this.#sweeps.nodesChanged()
  }

  #readAll(): void {
    this.#sinceMs ??= Date.now()
    this.#reload = true
    this.#listed = null
    this.#sweeps.forget()
    void this.#pump()
  }

  /** Since when they changed is not known: what was listed before may not show it. */
  #touch(services: Iterable<string>): void {
    for (const name of services) {
      this.#listed = null
      this.#want(name, ANYTHING)
    }
    this.#begin()
  }

  /** Asking for what cannot be asked for would fail for ever, and be doubt about all the others. */
  #want(service: string, expected: Expectation): void {
    if (isAskable(service)) this.#pending.add(service, expected)
  }

  #warnOfUnaskable(names: ReadonlyMap<string, string>, before: ReadonlyMap<string, string>): void {
    for (const service of names.keys()) {
      if (before.has(service) || isAskable(service)) continue
      const hint = 'Consul answers no question about a service of this name; register it under another'
      this.#options.log.warn('service left out', { code: 'SERVICE_NOT_READABLE', service, hint })
    }
  }

  /** @param sinceMs when Consul's answer told of it, in epoch ms */
  #begin(sinceMs = Date.now()): void {
    if (this.#pending.size === 0) return
    this.#sinceMs = Math.min(this.#sinceMs ?? sinceMs, sinceMs)
    void this.#pump()
  }

  /** Reads what is pending, pass by pass; one at a time. */
  async #pump(): Promise<void> {
    if (this.#pumping) return
    this.#pumping = true
    const pace = new RetryPace(RETRY)
    while (!this.#options.signal.aborted) {
      // A first read, or one after a break, must be younger than both watches, else a change falls between them.
      if (this.#reload && this.#doubt.isBroken) break
      const all = this.#reload
      if (all) {
        this.#reload = false
        const held = this.#snapshot === null ? await this.#held() : []
        for (const name of [...this.#names.keys(), ...this.#table.services.keys(), ...held])
          this.#want(name, ANYTHING)
      }
      if (this.#snapshot === null && !all) break
      const pass = this.#pending.take(all ? undefined : PASS_SIZE)
      if (pass.length === 0) break
      try {
        const ids = all ? await this.#readNodeIds() : this.#nodeIds
        const reading = this.#readPass(pass, this.#isBackwards || isOtherConsul(this.#nodeIds, ids))
        this.#underWay = reading.catch(() => {})
        await reading
        this.#nodeIds = ids
        if (all) this.#isBackwards = false
        pace.reset()
        this.#doubt.settle()
      } catch (error) {
        for (const [name, expected] of pass) this.#pending.add(name, expected)
        if (all) this.#reload = true
        const failure = consulError('health.service', error)
        this.#doubt.note(failure)
        const pauseMs = pace.afterFailure(failure, Math.random())
        await delay(pauseMs, undefined, { signal: this.#options.signal }).catch(() => {})
      }
    }
    this.#pumping = false
    if (this.#pending.size === 0) this.#listed = null
  }

  /** Those known before, where nodes may not be listed. */
  async #readNodeIds(): Promise<ReadonlySet<string>> {
    try {
      return nodeIds((await this.#options.reader.nodes({ signal: this.#options.signal })).body)
    } catch (error) {
      if (error instanceof ConsulError && error.code === 'CONSUL_DENIED') return this.#nodeIds
      throw error
    }
  }

  async #held(): Promise<readonly string[]> {
    const { held, signal } = this.#options
    if (held === undefined) return []
    // Both watches were answered: that Kong was not read yet is no doubt about Consul.
    this.#doubt.settle()
    const stopped = new Promise<readonly string[]>((resolve) =>
      signal.addEventListener('abort', () => resolve([]), { once: true }),
    )
    return await Promise.race([held(), stopped])
  }

  /** Lists leave out what the token may not read; the question for one entry is refused, by every version. */
  async #mayRead(service: string): Promise<boolean> {
    try {
      await this.#options.reader.hasEntry('service-defaults', service, { signal: this.#options.signal })
      return true
    } catch (error) {
      if (!(error instanceof ConsulError) || !isAboutOneService(error)) throw error
      return error.code !== 'CONSUL_DENIED'
    }
  }

  async #readPass(pass: readonly (readonly [string, Expectation])[], isReset: boolean): Promise<void> {
    const changedAtMs = this.#sinceMs ?? Date.now()
    if (this.#pending.size === 0) this.#sinceMs = null
    const answers = await readServices(pass, {
      reader: this.#options.reader,
      signal: this.#options.signal,
      parallel: this.#parallel,
      listed: (name) => this.#listedAnswer(name),
      isExpected: (name) => this.#names.has(name),
      mayRead: this.#options.held === undefined ? undefined : (name) => this.#mayRead(name),
    })
    const changed: string[] = []
    const reasons = new Map<string, readonly string[]>()
    pass.forEach(([name, expected], at) => {
      const answer = answers[at]!
      if (answer instanceof ConsulError) {
        this.#unread.failed(name, expected, answer)
        return
      }
      const { before, after } = this.#table.take(name, answer)
      const late = this.#agreement.read(name, this.#table.services.get(name))
      if (late !== null) this.#want(name, late)
      if (after === before) return
      changed.push(name)
      if (this.#snapshot !== null) reasons.set(name, describeChange(name, before, after))
    })
    if (changed.length > 0 || this.#snapshot === null)
      this.#report(changed, { reasons, changedAtMs, isReset })
    // Only now: until the snapshot has it, nothing is known of a service that was never read.
    pass.forEach(([name], at) => {
      if (!(answers[at] instanceof ConsulError)) this.#unread.read(name)
    })
  }

  /**
   * Only while it is not older than what was read since: then an older state would come back. Of a service that has
   * gone nothing says since when: it is read.
   */
  #listedAnswer(name: string): Answer<readonly RawServiceRow[]> | undefined {
    if (this.#listed === null) return undefined
    const { rows, index } = this.#listed
    const body = rows.get(name)
    const known = this.#table.services.get(name)
    return body === undefined || known === undefined || known.index > index ? undefined : { body, index }
  }

  #report(changed: readonly string[], news: Omit<CatalogChange, 'snapshot' | 'changed'>): void {
    this.#snapshot = this.#table.snapshot()
    this.#options.onChange({ snapshot: this.#snapshot, changed, ...news })
  }

  #failed(loop: string, error: ConsulError): void {
    if (loop === 'nodes') {
      if (error.code === 'CONSUL_DENIED')
        this.#options.log.debug('may not list nodes', { reason: error.message })
      return
    }
    this.#doubt.failed(loop, error)
  }

  /** A watch answers again and brought nothing to read. */
  #settleAtRest(): void {
    if (this.#snapshot !== null && !this.#pumping && this.#pending.size === 0) this.#doubt.settle()
  }
}
