// The loop of the operator: what Consul says and what Kong holds go in, calls of the Admin API come out. Deciding is
// done by operator/core; here is only when to decide, for which services, and what to do with failures.
import type { CatalogChange } from '../consul/catalog-watch.ts'
import type { CatalogSnapshot } from '../core/catalog.ts'
import type { Certificates } from '../core/certificates/certificate-entities.ts'
import { wokenServices } from '../core/certificates/woken-services.ts'
import type { Desired } from '../core/desired.ts'
import { type Change, type Diff, diff, type Override } from '../core/diff.ts'
import type { Entity, KongState } from '../core/entity.ts'
import type { Hold } from '../core/hold-memory.ts'
import type { PlanReport } from '../core/plan-report.ts'
import type { Problem } from '../core/problem.ts'
import type { MeshPlugin } from '../core/service-plugins.ts'
import type { AcceptedSettings, Refusal } from '../core/settings.ts'
import type { KvRows } from '../core/settings-status.ts'
import { isOwnedBy } from '../core/tags.ts'
import { KongTarget } from '../kong/kong-target.ts'
import { SchemaVerdicts } from '../kong/schema-verdicts.ts'
import { applyService } from './apply-service.ts'
import { blockingService } from './blocking-service.ts'
import type { ChangeLog } from './change-log.ts'
import { ConflictBook } from './conflict-book.ts'
import { Decision, type Supposed } from './decision.ts'
import { type DesiredIndex, indexOwned } from './desired-index.ts'
import { DiffRules } from './diff-rules.ts'
import type { FirstSync } from './first-sync.ts'
import { HOLD_CODES } from './hold-problems.ts'
import type { ReleasedHolds } from './holds.ts'
import { KongConnection } from './kong-connection.ts'
import { KongMirror } from './kong-mirror.ts'
import { KongReads } from './kong-reads.ts'
import { LagWindow } from './lag-window.ts'
import { LeftUpstreams } from './left-upstreams.ts'
import { LoadedPlugins } from './loaded-plugins.ts'
import { MarkKeeper } from './mark-keeper.ts'
import { MeshFacts } from './mesh-facts.ts'
import type { MeshGauges, MeshNumbers } from './mesh-gauges.ts'
import type { Outcome } from './outcome.ts'
import { failureCode, OutcomeReport } from './outcome-report.ts'
import { OverrideBook } from './override-book.ts'
import { Plans } from './plans.ts'
import { ProblemLog } from './problem-log.ts'
import type { ReconcilerOptions } from './reconciler-options.ts'
import { ServiceLocks } from './service-locks.ts'
import { type Job, ServiceQueue } from './service-queue.ts'
import { SettingsCheck } from './settings-check.ts'
import { SyncProgress } from './sync-progress.ts'
import { WriteRules } from './write-rules.ts'

/** Services applied at once. More than calls in flight: a service waits for its own steps most of the time. */
const SERVICES_AT_ONCE = 16

/** A batch for a Kong without database takes all there are: its rest is what costs. */
const ALL_SERVICES = Number.POSITIVE_INFINITY

/** How long a Kong without database may be without what somebody's new configuration lacks. */
const CONFIG_LOOK_MS = 2_000

/** Shorter than another operator takes to become leader and write. */
const BRIEF_LOSS_MS = 1_000

export class Reconciler {
  readonly mirror = new KongMirror()
  readonly lag = new LagWindow()
  /** What was done, and what failed. */
  readonly changes: ChangeLog
  readonly kong: KongTarget
  readonly connection: KongConnection
  readonly queue: ServiceQueue
  readonly marks: MarkKeeper
  readonly facts: MeshFacts
  readonly #options: ReconcilerOptions
  readonly #decision: Decision
  readonly #overrides: OverrideBook
  readonly #conflicts = new ConflictBook()
  readonly #locks: ServiceLocks
  readonly #may: WriteRules
  readonly #left: LeftUpstreams
  readonly #diffRules: DiffRules
  readonly #plans: Plans
  readonly #reads: KongReads
  readonly #gauges: Pick<MeshGauges, 'updateSoon'>
  readonly #problems: ProblemLog
  readonly #plugins: LoadedPlugins
  readonly #progress: SyncProgress
  readonly #settingsCheck: SettingsCheck
  readonly #report: OutcomeReport
  #lostLeadershipMs = Number.NEGATIVE_INFINITY
  #wasSaved = false

  constructor(options: ReconcilerOptions) {
    this.#options = options
    const { log, metrics, signal } = options
    const { mesh } = options.mesh
    this.changes = options.changes
    this.#gauges = options.gauges
    this.kong = new KongTarget({
      ...options.kong,
      mesh,
      metrics,
      signal,
      onForeign: (state) => this.#foreignConfig(state),
      onFailure: (error) => this.connection.report(error),
    })
    const { admin } = this.kong
    this.queue = new ServiceQueue({
      parallel: () => (this.kong.isDbless ? ALL_SERVICES : SERVICES_AT_ONCE),
      work: (job) => this.#apply(job),
      onDone: (job, outcome, tookMs) => this.#done(job, outcome, tookMs),
    })
    this.#locks = new ServiceLocks({
      refusal: () => this.refusal,
      isBusy: (service) => this.queue.isBusy(service),
      onUnlocked: (service) => this.queue.add(service, null, ['unlocked']),
    })
    this.#progress = new SyncProgress(log)
    this.#report = new OutcomeReport({
      log,
      metrics,
      changes: options.changes,
      lag: this.lag,
      node: () => admin.url,
      hasSynced: () => this.hasSynced,
    })
    this.#plugins = new LoadedPlugins(admin, log, options.mesh.outcomes)
    this.connection = new KongConnection({
      log,
      signal,
      read: async () => {
        await this.kong.connect()
        await this.#plugins.read()
        await this.#reads.all()
        await this.#beforeFirstWrite()
      },
      hasOtherNodes: () => this.kong.urls.length > 1,
      onUp: () => this.#kongUp(),
      onDown: () => this.#kongDown(),
    })
    const verdicts = new SchemaVerdicts(admin)
    this.#settingsCheck = new SettingsCheck({
      log,
      signal,
      verdicts,
      isKongUp: () => this.connection.isUp,
      faultsOf: (key, text) => this.#decision.faultsOf(key, text),
      onChecked: (changedAtMs, reasonsOf) =>
        this.#takeSettings(changedAtMs, reasonsOf, this.#decision.acceptDocuments()),
      onFailure: (error) => this.connection.report(error),
    })
    this.#decision = new Decision({
      verdictOf: verdicts.of,
      log,
      mesh: options.mesh,
      policy: options.policy,
      mirror: this.mirror,
      plugins: () => this.#plugins.names,
      callers: () => options.callers?.(),
      ejections: () => (this.kong.isControlPlane ? (options.ejections?.() ?? []) : []),
      onDue: () => this.#decide(null, () => ['hold ended']),
      onHolds: () => options.onHolds?.(),
    })
    const shared = { mesh, mirror: this.mirror, decision: this.#decision, isDbless: () => this.kong.isDbless }
    this.facts = new MeshFacts(shared)
    this.#left = new LeftUpstreams({
      wantedBy: (service) => this.#decision.wantedBy(service),
      isUsed: (upstream) =>
        [...this.mirror.values()].some(({ kind, fields }) => kind === 'service' && fields.host === upstream),
      isDbless: () => this.kong.isDbless,
      onDue: (service) => this.queue.add(service, null, ['nothing leads to its upstream any more']),
    })
    this.#may = new WriteRules({
      ...options,
      ...shared,
      left: this.#left,
      plugins: this.#plugins,
      locks: this.#locks,
      isKongUp: () => this.connection.isUp,
    })
    this.#diffRules = new DiffRules(shared)
    this.#plans = new Plans({ ...shared, diffRules: this.#diffRules, writeRules: this.#may })
    this.marks = new MarkKeeper({
      ...options,
      ...shared,
      admin,
      isActive: () => this.connection.isUp && !options.dryRun && this.#may.mayWrite,
      onFailure: (error) => this.connection.report(error),
      onMissing: (upstreamId, service) => {
        // Still being created, or about to be: nothing is amiss.
        if (!this.queue.has(service)) void this.#reads.again([upstreamId])
      },
    })
    this.#overrides = new OverrideBook({
      log,
      ttlMs: (service) => this.#decision.overrideTtlMs(service),
      onDue: (service) => this.queue.add(service, null, ['override expired']),
    })
    this.#reads = new KongReads({
      ...options,
      kong: this.kong,
      mirror: this.mirror,
      connection: () => this.connection,
      onRead: () => this.#compareAll(),
    })
    // What is held has told its own story, and what is decided is told by one of several.
    const told = () => (options.kong.only === undefined ? this.problems() : this.#conflicts.list())
    this.#problems = new ProblemLog(log, () => told().filter(({ code }) => !HOLD_CODES.has(code)))
  }

  /** Once, and only where Kong holds nothing of this mesh yet. */
  async #beforeFirstWrite(): Promise<void> {
    const { beforeFirstWrite, dryRun, mesh } = this.#options
    if (this.#wasSaved || dryRun) return
    this.#wasSaved = true
    const isOurs = ({ tags }: Entity) => isOwnedBy(mesh.mesh, tags)
    if ([...this.mirror.values()].some(isOurs)) return
    await beforeFirstWrite?.(this.kong)
  }

  /** Connects to Kong and begins to apply; ends when the signal aborts. */
  async run(): Promise<void> {
    await Promise.all([
      this.connection.connect(),
      this.marks.run(),
      this.#reads.watchConfig(CONFIG_LOOK_MS, () => this.refusal === null),
    ])
  }

  setSnapshot(change: CatalogChange): void {
    const { reasons, changedAtMs } = change
    this.#decision.setSnapshot(change)
    for (const [service, texts] of reasons)
      this.#options.log.debug('consul', { service, what: texts.join(', ') })
    this.#decide(changedAtMs, (service) => reasons.get(service) ?? [])
  }

  /** @param rows what KV tells of documents refused and of holds earlier, read together with the documents */
  setDocuments(documents: ReadonlyMap<string, string>, changedAtMs: number, rows: KvRows): void {
    const { reasonsOf, refused } = this.#decision.setDocuments(documents, rows)
    this.#settingsCheck.note(changedAtMs, reasonsOf)
    this.#takeSettings(changedAtMs, reasonsOf, refused)
  }

  #takeSettings(
    changedAtMs: number,
    reasonsOf: (service: string) => readonly string[],
    refused: ReadonlyMap<string, Refusal>,
  ): void {
    this.#options.metrics.refusedSettings.set(refused.size)
    this.#options.onRefused?.(refused)
    this.#problems.reviewSoon()
    this.#settingsCheck.begin()
    this.#decide(changedAtMs, reasonsOf)
  }

  /** Certificates came, went or were renewed. */
  setCertificates(certificates: Certificates): void {
    this.#decision.setCertificates(certificates)
    this.#decide(Date.now(), () => ['certificates changed'])
  }

  /** What there is against this text of a settings document although it validates; Kong is asked where it can be. */
  async refusalsOf(key: string, text: string): Promise<readonly string[]> {
    return await this.#settingsCheck.faultsOf(key, text)
  }

  /** Services that Consul does not answer for while it does for others. */
  setUnread(unread: ReadonlyMap<string, Error>): void {
    const readAgain = this.#decision.setUnread(unread)
    this.#noticeSoon()
    if (!this.hasDecided) return
    for (const service of readAgain) this.queue.add(service, null, ['read again'])
  }

  /** Identities of callers came, went or changed. */
  callersChanged(): void {
    this.#decide(Date.now(), () => ['identities'])
  }

  /** Kong's limits are to be counted with another password. */
  redisChanged(): void {
    this.#decide(Date.now(), () => ['redis.passwordFile'])
  }

  /** Services were paused or resumed; null: maybe any. They are looked at anew. */
  reviewPauses(services: readonly string[] | null): void {
    this.marks.watch.reviewPauses()
    if (!this.hasDecided) return
    for (const service of services ?? this.#decision.index!.groups.keys()) {
      this.queue.add(service, null, [this.#may.isPaused(service) ? 'paused' : 'resumed'])
    }
  }

  /** What kongsul wants in Kong now, by key. */
  get wanted(): KongState {
    return this.#decision.wanted
  }

  /** Why this operator writes nothing now; null when it does. */
  get refusal(): string | null {
    return this.#may.refusal
  }

  /** Takes what a person had done to an entity into account at once. */
  noteEntity(entity: Entity, service: string, reason: string): void {
    this.mirror.set(entity)
    this.queue.add(service, null, [reason])
  }

  /** Nothing of the service is written by the loop while `work` writes it. */
  async whileLocked<T>(service: string, work: () => Promise<T>): Promise<T> {
    return await this.#locks.whileLocked(service, work)
  }

  /** Is nothing of the service written now, because somebody paused it? */
  isLeftAlone(service: string): boolean {
    return this.#may.isPaused(service)
  }

  knows(service: string): boolean {
    return this.#decision.knows(service)
  }

  /** Reads Kong and applies one service, or all (null), whatever waits for a retry or was given up. */
  async applyNow(service: string | null): Promise<void> {
    const isMeant = ({ owner }: Entity) => service === null || owner === service
    this.#diffRules.forgetRemovals([...this.wanted.values()].filter(isMeant))
    const upstreams = [...this.wanted.values()].filter(
      (entity) => entity.kind === 'upstream' && isMeant(entity),
    )
    await this.#reads.again(upstreams.map(({ id }) => id))
    for (const { service: failing } of this.queue.failing()) {
      if (service === null || failing === service) this.queue.retryNow(failing)
    }
    if (service !== null) this.queue.add(service, null, ['kongsul apply'])
  }

  /** Reads Kong again, a little at a time, and applies what differs: the periodic resync. */
  async resync(): Promise<void> {
    await this.#readPlugins()
    await this.#reads.spread()
  }

  /** Another operator may have written since Kong was read: it is read anew before anything is written. */
  async leadershipChanged(leading: boolean): Promise<void> {
    if (!leading) {
      this.#lostLeadershipMs = performance.now()
      this.queue.pause()
      return
    }
    const isBriefLoss = performance.now() - this.#lostLeadershipMs < BRIEF_LOSS_MS
    if (!this.connection.isUp) return // reads everything when it is up, and goes on then
    if (!isBriefLoss) {
      await this.#readPlugins()
      this.#left.begin()
      await this.#reads.anew()
    }
    if (this.#may.mayWrite && this.connection.isUp) this.queue.resume()
  }

  /** Before Kong is read and compared: what was found counts in that. */
  async #readPlugins(): Promise<boolean> {
    if (!this.connection.isUp) return false
    return await this.#plugins.read().catch((error: unknown) => {
      this.connection.report(error)
      return false
    })
  }

  /** Kong refused a plugin: has it lost it? Then services go on without. */
  async #reviewPlugins(): Promise<void> {
    if (await this.#readPlugins()) this.#compareAll()
  }

  /** The plugins answer again, or do not any more: what waited for them is written. */
  reviewPlugins(): void {
    if (this.#may.takeUnblocked()) this.#compareAll()
    this.#noticeSoon()
  }

  /** Plugins of kongsul that Kong has loaded. */
  get plugins(): readonly MeshPlugin[] {
    return this.#plugins.names
  }

  /** Numbers and the log of problems. */
  #noticeSoon(): void {
    this.#options.onDecided?.()
    this.#gauges.updateSoon()
    this.#problems.reviewSoon()
  }

  /** Stops beginning anything and waits for the calls in flight. */
  async stop(): Promise<void> {
    this.queue.stop()
    this.#decision.stop()
    this.#left.stop()
    this.#overrides.stop()
    this.#problems.stop()
    while (this.queue.running > 0) await new Promise((done) => setTimeout(done, 5))
  }

  get desired(): Desired {
    return this.#decision.desired
  }

  /** What Consul said last; null before it has said anything. */
  get snapshot(): CatalogSnapshot | null {
    return this.#decision.snapshot
  }

  /** Settings in force; null before KV was read. */
  get settings(): AcceptedSettings | null {
    return this.#decision.settings
  }

  /** What waits because too much happened at once. */
  get holds(): readonly Hold[] {
    return this.#decision.holds
  }

  /** Has it been decided what is held? Before that nobody knows. */
  get hasDecided(): boolean {
    return this.#decision.hasDecided
  }

  /**
   * Lets go what is held of a service, or of all (null); it is applied like any other change.
   * @param why for the log of changes
   */
  releaseHolds(service: string | null, why: string): readonly ReleasedHolds[] {
    const released = this.#decision.releaseHolds(service)
    if (released.length === 0) return released
    const services = new Set(released.map((each) => each.service))
    for (const each of services) this.queue.add(each, null, [why])
    this.#decide(null, () => [])
    return released
  }

  get lastSyncMs(): number | null {
    return this.#progress.lastMs
  }

  /** True once everything Consul said at the start is in Kong (or was tried). */
  get hasSynced(): boolean {
    return this.#progress.hasSynced
  }

  /** How far the first sync is; null before it begins and once it is over. */
  firstSync(): FirstSync | null {
    return this.#progress.firstSync(this.queue.size)
  }

  overrides(): readonly Override[] {
    return this.#overrides.list()
  }

  problems(): readonly Problem[] {
    return [...this.#plugins.problems(), ...this.#decision.problems(), ...this.#conflicts.list()]
  }

  /** What would be written if Kong held this. */
  planFor(actual: KongState): PlanReport {
    return this.#plans.planFor(actual)
  }

  /** What would be written beside what is due already, if Consul said this as well; null until all was read. */
  changesWith(supposed: Supposed): readonly Change[] | null {
    return this.#plans.changesWith(supposed)
  }

  /** What the gauges tell. */
  numbers(): MeshNumbers {
    return {
      desired: this.desired,
      services: this.snapshot?.services.size ?? 0,
      queue: this.queue.size,
      problems: this.problems().length,
      overrides: this.overrides(),
      held: this.holds,
    }
  }

  /** With dryRun, and for paused services: what would be written. */
  planned(): readonly Change[] {
    return this.#plans.notWritten()
  }

  #decide(changedAtMs: number | null, reasonsOf: (service: string) => readonly string[]): void {
    if (!this.#decision.isPossible || this.#isUnchecked()) return
    const { index } = this.#decision
    if (index === null) {
      if (this.connection.isUp) this.#compareAll()
      return
    }
    for (const service of this.#compute(index)) {
      this.queue.add(service, changedAtMs, reasonsOf(service))
    }
    this.#noticeSoon()
  }

  /** Are there settings that Kong has not been asked about, and none before them that could stand in? */
  #isUnchecked(): boolean {
    return !this.hasDecided && this.connection.isUp && this.#settingsCheck.isWaiting
  }

  /** @returns services that want something else than before */
  #compute(before: DesiredIndex): readonly string[] {
    const isFirst = !this.hasDecided
    const { after, changed, released } = this.#decision.decide(before)
    if (isFirst) this.marks.watch.begin(after)
    else this.marks.watch.follow(before, after, changed)
    for (const service of released) this.queue.add(service, null, ['hold ended'])
    return changed
  }

  /** Called when Kong was read: what differs, whoever changed it, is applied. */
  #compareAll(): void {
    this.#settingsCheck.begin()
    if (!this.#decision.isPossible || this.#isUnchecked()) return
    const isFirst = !this.hasDecided
    if (isFirst) this.#left.begin()
    const before = this.#decision.index ?? indexOwned(this.mirror.state(), this.#options.mesh.mesh)
    const changed = this.#compute(before)
    const result = diff(this.mirror.state(), this.desired.state, this.#diffRules.take())
    this.#conflicts.setAll(result.conflicts)
    this.#overrides.setAll(result.overrides)
    const differing = new Set(
      result.changes.filter((change) => !this.#may.isHeld(change)).map((each) => each.service),
    )
    if (isFirst) this.#progress.begin(differing.size)
    for (const service of differing)
      this.queue.add(service, null, [isFirst ? 'first sync' : 'differed at the resync'])
    for (const service of changed) {
      if (!isFirst && !differing.has(service)) this.queue.add(service, null, [])
    }
    if (differing.size === 0) this.#synced()
    this.#noticeSoon()
  }

  async #apply(job: Job): Promise<Outcome> {
    const { dryRun } = this.#options
    const { service } = job
    return await applyService(service, {
      kong: this.kong,
      mirror: this.mirror,
      options: this.#diffRules.take(),
      dryRun,
      isPaused: () => this.#may.isPaused(service),
      wanted: () => this.#decision.wantedBy(service),
      isHeld: (change) => this.#may.isHeld(change),
      blocker: (changes) => this.#blocker(service, changes),
      refusal: () => this.#may.obstacle,
      isStale: job.isStale,
      onDiff: (result) => this.#noteDiff(service, result),
      onWritten: (change) => this.#written(change),
    })
  }

  #blocker(service: string, changes: readonly Change[]): string | null {
    // What one service gives up and another gets comes in one batch there.
    if (this.kong.isDbless) return null
    return blockingService(service, changes, {
      mirror: this.mirror,
      desired: this.desired.state,
      isPending: (other) => this.queue.has(other) && !this.queue.isFailing(other),
      isWaitingForUs: (other) => this.queue.isWaitingFor(other, service),
    })
  }

  /** Ejections of these upstreams changed: their marks, or weights, mean something else now. */
  ejectionsChanged(upstreams: readonly string[]): void {
    this.marks.ejectionsChanged(upstreams)
    if (this.kong.isControlPlane) this.#decide(Date.now(), () => ['instances ejected or put back'])
  }

  #noteDiff(service: string, { overrides, conflicts }: Diff): void {
    this.#overrides.set(service, overrides)
    this.#conflicts.set(service, conflicts)
  }

  #written(change: Change): void {
    this.#options.metrics.changes.inc({ kind: change.entity.kind, action: change.action })
    this.marks.written(change)
    this.#left.written(change)
    for (const service of wokenServices(change, this.#decision.index?.groups ?? new Map())) {
      this.queue.add(service, null, ['certificates written'])
    }
  }

  #done(job: Job, outcome: Outcome, tookMs: number): void {
    const { service } = job
    this.#report.tell(job, outcome, tookMs)
    if (outcome.kind === 'failed') {
      this.connection.report(outcome.error)
      const code = failureCode(outcome.error)
      if (code === 'KONG_NOT_FOUND') void this.#reads.again([])
      if (code === 'KONG_REJECTED') void this.#reviewPlugins()
    } else if (outcome.kind === 'dryRun' || outcome.kind === 'paused') {
      this.#plans.noteNotWritten(service, outcome.changes)
    } else if (outcome.kind === 'applied' || outcome.kind === 'inSync') {
      this.#plans.noteNotWritten(service, [])
    }
    if (this.queue.isSettled) this.#synced()
    this.#noticeSoon()
  }

  /** Told in the middle of a batch, which is decided anew. */
  #foreignConfig(state: KongState): void {
    this.mirror.replace(state)
    this.#compareAll()
  }

  #synced(): void {
    if (!this.hasDecided || this.queue.running > 0) return
    const nowMs = Date.now()
    this.#progress.synced(nowMs)
    this.#options.metrics.lastSync.set({ node: this.kong.admin.url }, nowMs / 1000)
  }

  #kongUp(): void {
    this.#noteConnected(1)
    this.#options.log.info('Kong was read', { entities: this.mirror.size, node: this.kong.admin.url })
    if (this.#may.mayWrite) this.queue.resume()
    this.#compareAll()
  }

  #kongDown(): void {
    this.#noteConnected(0)
    this.queue.pause()
  }

  #noteConnected(value: 0 | 1): void {
    this.#options.metrics.kongConnected.set({ node: this.kong.admin.url }, value)
  }
}
