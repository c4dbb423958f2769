import type { CatalogChange } from '../consul/catalog-watch.ts'
import type { CatalogSnapshot } from '../core/catalog.ts'
import type { Certificates } from '../core/certificates/certificate-entities.ts'
import { createDesired, type Desired, type DesiredInput, desired, type MeshOptions } from '../core/desired.ts'
import type { Change, OverridePolicy } from '../core/diff.ts'
import { withoutEjected } from '../core/ejected-weights.ts'
import type { Ejection } from '../core/ejections.ts'
import { type Entity, isOfCalled, type KongState } from '../core/entity.ts'
import { refuseLongFaults } from '../core/faults.ts'
import { type Hold, rememberedHolds } from '../core/hold-memory.ts'
import type { Callers } from '../core/intentions/join-access.ts'
import { judgeDocuments, type VerdictOf } from '../core/plugin-settings/judge-documents.ts'
import type { SplitterDocument } from '../core/policy/entry-schema.ts'
import type { Policies } from '../core/policy/policy-input.ts'
import type { Problem } from '../core/problem.ts'
import type { MeshPlugin } from '../core/service-plugins.ts'
import {
  type AcceptedSettings,
  acceptSettings,
  type Judge,
  type Refusal,
  type ServiceSettings,
} from '../core/settings.ts'
import { BUILT_IN } from '../core/settings-defaults.ts'
import { acceptDocuments, errorsTold, type KvRows } from '../core/settings-status.ts'
import type { Logger } from '../telemetry/logger.ts'
import { changedDocuments } from './changed-documents.ts'
import { changedServices, type DesiredIndex, indexDesired } from './desired-index.ts'
import { holdProblems } from './hold-problems.ts'
import { Holds, type ReleasedHolds } from './holds.ts'
import type { KongMirror } from './kong-mirror.ts'

export interface DecisionOptions {
  readonly log: Logger
  readonly mesh: MeshOptions
  /** Where nobody says otherwise in Consul. */
  readonly policy: OverridePolicy
  /** What Kong holds: own routes must not shadow those of others. */
  readonly mirror: KongMirror
  /** Plugins of the mesh that Kong has loaded. */
  readonly plugins: () => readonly MeshPlugin[]
  /** Who calls, by what KV says; undefined while it was not read. */
  readonly callers: () => Callers | undefined
  /** What plugin processes took out and nobody can mark in this Kong; none where marks can be made. */
  readonly ejections: () => readonly Ejection[]
  /** What Kong says to plugins that settings make, before they are written. */
  readonly verdictOf: VerdictOf
  /** A hold is over: decide anew. */
  readonly onDue: () => void
  /** Something is held, or held no more. */
  readonly onHolds: () => void
}

export interface Decided {
  readonly after: DesiredIndex
  /** Services that want something else than before. */
  readonly changed: readonly string[]
  /** Services of which something is held no more. */
  readonly released: readonly string[]
}

export interface ReadDocuments {
  /** Why a service is looked at because of them. */
  readonly reasonsOf: (service: string) => readonly string[]
  readonly refused: ReadonlyMap<string, Refusal>
}

/** Another text of a settings document, another service-splitter, or a Kong without somebody's route. */
export type Supposed =
  | { readonly key: string; readonly text: string }
  | { readonly splitter: SplitterDocument }
  /** Kong without a route that nobody manages. */
  | { readonly goneRoute: string }

const DEFAULT_GRACE_MS = BUILT_IN.circuitBreaker.openSeconds * 1000

/**
 * What Kong should hold, from what Consul said last: the catalog, the settings, and what waits because too much happened
 * at once. Writes nothing and waits for nothing.
 */
export class Decision {
  readonly #options: DecisionOptions
  readonly #desire = createDesired()
  readonly #holds: Holds
  #snapshot: CatalogSnapshot | null = null
  #accepted: AcceptedSettings | null = null
  #settingProblems: readonly Problem[] = []
  #refused: ReadonlyMap<string, Refusal> = new Map()
  #documents: ReadonlyMap<string, string> = new Map()
  #certificates: Certificates | undefined
  #rows: KvRows = new Map()
  /** Accepted before Kong could be asked. */
  #isProvisional = false
  #unread: ReadonlyMap<string, Error> = new Map()
  #desired: Desired = { state: new Map(), groups: new Map(), services: [], problems: [] }
  #index: DesiredIndex | null = null
  /** Not decided yet since Consul came back without what it knew. */
  #isReset = false

  constructor(options: DecisionOptions) {
    this.#options = options
    const { log, onDue, onHolds } = options
    this.#holds = new Holds({ log, onDue, onChange: onHolds })
  }

  setSnapshot({ snapshot, isReset }: Pick<CatalogChange, 'snapshot' | 'isReset'>): void {
    this.#snapshot = snapshot
    if (isReset) this.#isReset = true
  }

  /** @param rows what KV tells of documents refused and of holds earlier, read together with the documents */
  setDocuments(documents: ReadonlyMap<string, string>, rows: KvRows): ReadDocuments {
    if (!this.hasDecided) this.#holds.remember(rememberedHolds(rows, this.#options.mesh.mesh))
    const reasonsOf = changedDocuments(this.#documents, documents)
    this.#documents = documents
    this.#rows = rows
    return { reasonsOf, refused: this.acceptDocuments() }
  }

  /** Once more, after Kong was asked about them. @returns what is refused */
  acceptDocuments(): ReadonlyMap<string, Refusal> {
    // What was used before Kong could be asked is no last good document.
    const previous = this.#isProvisional ? null : this.#accepted
    const { accepted, problems, refused, pending } = acceptDocuments(
      previous,
      this.#documents,
      this.#rows,
      this.#judge,
    )
    this.#isProvisional = previous === null && pending.size > 0
    this.#accepted = accepted
    this.#settingProblems = problems
    this.#refused = refused
    return refused
  }

  /** What there is against this text of a document, as far as Kong was asked; null before anything was accepted. */
  faultsOf(key: string, text: string): readonly string[] | null {
    if (this.#accepted === null) return null
    const documents = new Map(this.#documents).set(key, text)
    return acceptSettings(this.#accepted, documents, this.#judge).refused.get(key)?.errors ?? []
  }

  readonly #judge: Judge = (layers, before) => {
    const told = (key: string) => this.#refused.get(key)?.errors ?? errorsTold(key, this.#rows)
    const long = refuseLongFaults(layers, told, Date.now())
    const others = new Map([...layers].filter(([key]) => !long.has(key)))
    const judged = judgeDocuments(others, before, this.#options.verdictOf, this.#options.mesh.redis ?? null)
    return long.size === 0 ? judged : { ...judged, refused: new Map([...judged.refused, ...long]) }
  }

  setCertificates(certificates: Certificates): void {
    this.#certificates = certificates
  }

  /** @returns services that Consul answers for again */
  setUnread(unread: ReadonlyMap<string, Error>): readonly string[] {
    const before = this.#unread
    this.#unread = unread
    return [...before.keys()].filter((service) => !unread.has(service))
  }

  /** Has Consul said enough? */
  get isPossible(): boolean {
    return this.#snapshot !== null && this.#accepted !== null
  }

  get hasDecided(): boolean {
    return this.#index !== null
  }

  /** null before the first decision. */
  get index(): DesiredIndex | null {
    return this.#index
  }

  /** What kongsul wants in Kong now, by key. */
  get wanted(): KongState {
    return this.#index?.state ?? new Map()
  }

  /** What a service wants in Kong. */
  wantedBy(service: string): readonly Entity[] {
    return this.#index?.groups.get(service) ?? []
  }

  get desired(): Desired {
    return this.#desired
  }

  /** What Consul said last; null before it has said anything. */
  get snapshot(): CatalogSnapshot | null {
    return this.#snapshot
  }

  /** Settings in force; null before KV was read. */
  get settings(): AcceptedSettings | null {
    return this.#accepted
  }

  /** What waits because too much happened at once. */
  get holds(): readonly Hold[] {
    return this.#holds.list()
  }

  knows(service: string): boolean {
    return this.#snapshot?.services.has(service) === true || this.#isCalled(service)
  }

  #isCalled(service: string): boolean {
    return this.wantedBy(service).some(isOfCalled)
  }

  /**
   * Decides anew, and which removals wait; only when it is possible.
   * @param before what was decided before; the first time what Kong holds
   */
  decide(before: DesiredIndex): Decided {
    const holdMs = this.#accepted!.mesh.settings.guard.holdSeconds * 1000
    const index = this.#desireWith(before)
    const isChanged = this.#holds.reviewWeights(this.#snapshot!, before, index, holdMs)
    const after = isChanged ? this.#desireWith(before) : index
    const changed = changedServices(before, after)
    this.#index = after
    const isReset = this.#isReset
    this.#isReset = false
    return { after, changed, released: this.#holds.reviewRemovals(before, after, holdMs, isReset) }
  }

  /** What would be decided if this were so as well; null before the first decision. */
  desiredWith(supposed: Supposed): Desired | null {
    if (!this.isPossible || !this.hasDecided) return null
    const snapshot = this.#snapshot!
    // Lists of their own: what is remembered by a list is what was really decided.
    const services = new Map([...snapshot.services].map(([name, each]) => [name, [...each]]))
    if ('splitter' in supposed) {
      const policies = snapshot.policies && withSplitter(snapshot.policies, supposed.splitter)
      return this.#weighed(desired(this.#decidedFrom({ ...snapshot, services, policies }, this.#accepted!)))
    }
    if ('goneRoute' in supposed) {
      const input = this.#decidedFrom({ ...snapshot, services }, this.#accepted!)
      const foreign = this.#options.mirror.foreignRoutes().filter(({ id }) => id !== supposed.goneRoute)
      return this.#weighed(desired({ ...input, foreign }))
    }
    const { key, text } = supposed
    const { accepted } = acceptSettings(this.#accepted, new Map(this.#documents).set(key, text))
    return this.#weighed(desired(this.#decidedFrom({ ...snapshot, services }, accepted)))
  }

  /** Lets go what is held of a service, or of all (null). */
  releaseHolds(service: string | null): readonly ReleasedHolds[] {
    return this.#holds.release(service)
  }

  /** Nothing is known of it: that it is not in the snapshot does not mean that it is gone. Who calls is read from KV. */
  isUnread({ action, entity, service }: Change): boolean {
    return action === 'delete' && this.#unread.has(service) && isOfCalled(entity)
  }

  isOnHold(change: Change): boolean {
    return this.#holds.isHeld(change, (service) => !this.#isCalled(service))
  }

  problems(): readonly Problem[] {
    return [
      ...[...this.#unread].map(([service, { message }]) => unreadProblem(service, message)),
      ...holdProblems(this.holds),
      ...this.#settingProblems,
      ...this.#desired.problems,
    ]
  }

  settingsOf(service: string): ServiceSettings {
    return this.#accepted!.forService(service, this.#snapshot!.services.get(service) ?? [])
  }

  /** How long overrides of a service last; 0: until they are released. */
  overrideTtlMs(service: string): number {
    return this.settingsOf(service).settings.overrides.ttlSeconds * 1000
  }

  /** What a service or the mesh says in Consul, else what the process was started with. */
  overridePolicyOf(service: string): OverridePolicy {
    const { settings, sources } = this.settingsOf(service)
    const isSaid = (sources['overrides.policy'] ?? 'built-in') !== 'built-in'
    return isSaid ? settings.overrides.policy : this.#options.policy
  }

  /** How long after its deadline an ejection is still left to the process that made it, in ms. */
  ejectionGraceMs(service: string): number {
    return this.isPossible
      ? this.settingsOf(service).settings.circuitBreaker.openSeconds * 1000
      : DEFAULT_GRACE_MS
  }

  stop(): void {
    this.#holds.stop()
  }

  #desireWith(before: DesiredIndex): DesiredIndex {
    this.#desired = this.#weighed(this.#desire(this.#decidedFrom(this.#snapshot!, this.#accepted!)))
    return indexDesired(this.#desired, before)
  }

  #weighed(decided: Desired): Desired {
    return withoutEjected(decided, this.#options.ejections(), this.#options.mesh.mesh)
  }

  #decidedFrom(snapshot: CatalogSnapshot, settings: AcceptedSettings): DesiredInput {
    const { mesh, plugins, callers, mirror } = this.#options
    return {
      snapshot,
      settings,
      options: { ...mesh, plugins: plugins() },
      callers: callers(),
      actual: mirror,
      foreign: mirror.foreignRoutes(),
      heldWeights: this.#holds.weights,
      certificates: this.#certificates,
    }
  }
}

const withSplitter = (policies: Policies, splitter: SplitterDocument): Policies => ({
  ...policies,
  entries: {
    ...policies.entries,
    splitters: new Map(policies.entries.splitters).set(splitter.Name, splitter),
  },
})

const unreadProblem = (service: string, message: string): Problem => ({
  code: 'SERVICE_NOT_READ',
  severity: 'error',
  service,
  message: `Consul does not answer for ${service} (${message}); what Kong has of it stays, and it is tried again`,
})
