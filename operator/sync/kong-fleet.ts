import type { CatalogChange } from '../consul/catalog-watch.ts'
import type { Certificates } from '../core/certificates/certificate-entities.ts'
import type { Change } from '../core/diff.ts'
import { type Entity, keyOf } from '../core/entity.ts'
import type { Problem } from '../core/problem.ts'
import type { KvRows } from '../core/settings-status.ts'
import { adminUrls } from '../kong/admin-urls.ts'
import { KongAdmin } from '../kong/kong-admin.ts'
import { StandbyNodes } from '../kong/standby-nodes.ts'
import type { ToldOutcome } from '../metrics/told-outcome.ts'
import { ChangeLog } from './change-log.ts'
import type { ExplainNode } from './explain.ts'
import { saveBeforeFirstWrite } from './first-snapshot.ts'
import type { ReleasedHolds } from './holds.ts'
import { type KongNodeStatus, nodeStatuses } from './kong-node-status.ts'
import { MeshGauges } from './mesh-gauges.ts'
import type { KongConfig } from './operator-config.ts'
import { Reconciler } from './reconciler.ts'
import type { ReconcilerOptions } from './reconciler-options.ts'

export interface FleetOptions extends Omit<ReconcilerOptions, 'kong' | 'changes' | 'gauges'> {
  readonly kong: KongConfig
  /** What is wrong with the mesh, beside what any Kong has: plugin processes, canaries, certificates. */
  readonly meshProblems?: () => readonly Problem[]
}

const isGate = ({ kind, name, owner }: Entity): boolean => kind === 'plugin' && name === 'acl' && owner !== ''

/** Another node than the one in use is asked what it is: it must answer sooner than calls that do something. */
const PROBE_TIMEOUT_MS = 2_000

/**
 * Every Kong of this mesh. One Kong with a database is one, whatever the number of its nodes: one reconciler writes
 * through one of them and goes on with another when that is gone. Each node without database has a reconciler of its
 * own, so that none waits for another.
 */
export class KongFleet {
  readonly changes = new ChangeLog()
  /** Decides for all; what it holds is true for the others when they have caught up. */
  readonly primary: Reconciler
  readonly #options: FleetOptions
  readonly #urls: readonly string[]
  readonly #standby: StandbyNodes
  readonly #probes = new Map<string, KongAdmin>()
  readonly #gauges: MeshGauges
  readonly #running: Promise<void>[] = []
  #others: readonly Reconciler[] = []
  #snapshot: CatalogChange | null = null
  #unread: ReadonlyMap<string, Error> = new Map()
  #documents: Parameters<Reconciler['setDocuments']> | null = null
  #certificates: Certificates | null = null

  constructor(options: FleetOptions) {
    this.#options = options
    this.#urls = adminUrls(options.kong)
    this.#gauges = new MeshGauges(options.metrics, () => ({
      ...this.primary.numbers(),
      queue: this.all.reduce((sum, { queue }) => sum + queue.size, 0),
    }))
    this.primary = this.#reconciler({ urls: this.#urls, onDbless: (url) => this.#addOthers(url) })
    this.#standby = new StandbyNodes({
      urls: () => (this.primary.kong.kind === 'database' ? this.#urls : []),
      admin: this.primary.kong.admin,
      adminFor: (url) => this.#probeAdmin(url),
      /** Any row of ours tells one database from another. */
      sample: () => this.primary.facts.sampleUpstream(),
      log: options.log,
      metrics: options.metrics,
      signal: options.signal,
    })
  }

  /** One for each node without database, or one for a database. */
  get all(): readonly Reconciler[] {
    return [this.primary, ...this.#others]
  }

  /** A Kong that can be read, where there is one. */
  get reachable(): Reconciler {
    return this.all.find(({ connection }) => connection.isUp) ?? this.primary
  }

  /** Every node of Kong for a look at what it holds: those that are written to and answer first. */
  nodesToRead(): readonly ExplainNode[] {
    const rank = ({ isUsed, isConnected }: KongNodeStatus) => (isUsed ? 0 : 2) + (isConnected ? 0 : 1)
    return [...this.nodes()]
      .sort((one, other) => rank(one) - rank(other))
      .map(({ url, isRefused, error }) => ({
        url,
        admin: this.all.find(({ kong }) => kong.admin.url === url)?.kong.admin ?? this.#probeAdmin(url),
        refusal: isRefused ? (error ?? 'refused') : null,
      }))
  }

  /** Every Admin URL, in the order of the configuration. */
  nodes(): readonly KongNodeStatus[] {
    return nodeStatuses(this.#urls, this.all, this.#standby.found())
  }

  /** Services whose callers Kong keeps apart, as soon as Kong was read: nothing is decided before. */
  async gatedServices(): Promise<readonly string[]> {
    await this.primary.connection.wasRead
    const gates = this.all.flatMap(({ mirror }) => [...mirror.values()].filter(isGate))
    return [...new Set(gates.map(({ owner }) => owner))]
  }

  /** Services that Kong has something of, as soon as it was read. */
  async heldServices(): Promise<readonly string[]> {
    await this.primary.connection.wasRead
    return [...new Set(this.all.flatMap(({ mirror }) => [...mirror.values()].map(({ owner }) => owner)))]
  }

  /** What is wrong in any Kong; what is wrong in all of them once. */
  problems(): readonly Problem[] {
    const found = [...this.all.flatMap((each) => each.problems()), ...(this.#options.meshProblems?.() ?? [])]
    return [...new Map(found.map((each) => [JSON.stringify(each), each])).values()]
  }

  /** With dryRun, and for paused services: what would be written to any Kong. */
  planned(): readonly Change[] {
    const changes = this.all.flatMap((each) => each.planned())
    return [...new Map(changes.map((each) => [`${each.action} ${keyOf(each.entity)}`, each])).values()]
  }

  /** Ends when the signal aborts. */
  async run(): Promise<void> {
    this.#running.push(this.#standby.run())
    await this.primary.run()
    await Promise.all(this.#running)
  }

  setSnapshot(change: CatalogChange): void {
    this.#snapshot = change
    for (const each of this.all) each.setSnapshot(change)
  }

  setDocuments(documents: ReadonlyMap<string, string>, changedAtMs: number, rows: KvRows): void {
    this.#documents = [documents, changedAtMs, rows]
    for (const each of this.all) each.setDocuments(documents, changedAtMs, rows)
  }

  setCertificates(certificates: Certificates): void {
    this.#certificates = certificates
    for (const each of this.all) each.setCertificates(certificates)
  }

  setUnread(unread: ReadonlyMap<string, Error>): void {
    this.#unread = unread
    for (const each of this.all) each.setUnread(unread)
  }

  /** @returns what was let go; the same everywhere */
  releaseHolds(service: string | null, why: string): readonly ReleasedHolds[] {
    const released = this.all.map((each) => each.releaseHolds(service, why))
    return released[0]!
  }

  callersChanged(): void {
    for (const each of this.all) each.callersChanged()
  }

  redisChanged(): void {
    for (const each of this.all) each.redisChanged()
  }

  reviewPauses(services: readonly string[] | null): void {
    for (const each of this.all) each.reviewPauses(services)
  }

  ejectionsChanged(upstreams: readonly string[]): void {
    for (const each of this.all) each.ejectionsChanged(upstreams)
  }

  noteOutcome(outcome: ToldOutcome): void {
    for (const each of this.all) each.marks.noteOutcome(outcome)
  }

  /** Plugin processes came or went. */
  reviewPlugins(): void {
    for (const each of this.all) each.reviewPlugins()
  }

  async leadershipChanged(leading: boolean): Promise<void> {
    await Promise.all(this.all.map((each) => each.leadershipChanged(leading)))
  }

  async resync(): Promise<void> {
    await Promise.all(this.all.map((each) => each.resync()))
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map((each) => each.stop()))
  }

  close(): void {
    for (const { kong } of this.all) kong.admin.close()
    for (const admin of this.#probes.values()) admin.close()
  }

  #addOthers(url: string): void {
    const urls = this.#urls.filter((each) => each !== url)
    this.#options.log.info('each node without database is kept in step on its own', { nodes: this.#urls })
    this.#others = urls.map((each) => this.#reconciler({ urls: [each], only: 'dbless' }))
    for (const each of this.#others) {
      each.setUnread(this.#unread)
      if (this.#certificates !== null) each.setCertificates(this.#certificates)
      if (this.#snapshot !== null) each.setSnapshot({ ...this.#snapshot, reasons: new Map() })
      if (this.#documents !== null) each.setDocuments(...this.#documents)
      this.#running.push(each.run())
    }
  }

  #reconciler(kong: Pick<ReconcilerOptions['kong'], 'urls' | 'only' | 'onDbless'>): Reconciler {
    const { kong: config, onRefused, onHolds, onDecided, metrics, refusal, ...rest } = this.#options
    const admin = new KongAdmin(config, metrics, refusal)
    admin.use(kong.urls[0]!)
    return new Reconciler({
      ...rest,
      metrics,
      ...(refusal === undefined ? {} : { refusal }),
      // Settings and holds are the same for all: one tells of them.
      ...(onRefused === undefined || kong.only !== undefined ? {} : { onRefused }),
      ...(onDecided === undefined || kong.only !== undefined ? {} : { onDecided }),
      ...(onHolds === undefined || kong.only !== undefined ? {} : { onHolds }),
      kong: {
        ...kong,
        admin,
        adminFor: (url) => this.#probeAdmin(url),
        isRefused: (url) => this.#standby.found().get(url)?.isRefused === true,
      },
      beforeFirstWrite: (target) => saveBeforeFirstWrite(target, config.snapshotDir ?? null, rest.log),
      changes: this.changes,
      gauges: this.#gauges,
    })
  }

  #probeAdmin(url: string): KongAdmin {
    const known = this.#probes.get(url)
    if (known !== undefined) return known
    const { kong, metrics } = this.#options
    const timeoutMs = Math.min(kong.timeoutMs, PROBE_TIMEOUT_MS)
    const admin = new KongAdmin({ ...kong, adminUrl: url, timeoutMs }, metrics)
    this.#probes.set(url, admin)
    return admin
  }
}
