import { setTimeout as delay } from 'node:timers/promises'
import type { Canary, CanaryPlan } from '../core/canary/canary.ts'
import { checkStart } from '../core/canary/check-start.ts'
import { NO_TRAFFIC } from '../core/canary/judge-step.ts'
import { nextPhase, type Seen, wishedSplits } from '../core/canary/next-phase.ts'
import { isSameSplit, type Split } from '../core/canary/split-shares.ts'
import { type SubsetInstances, subsetInstances } from '../core/canary/subset-instances.ts'
import type { CatalogSnapshot } from '../core/catalog.ts'
import type { InstanceReport } from '../core/targets.ts'
import { invalidField, NOT_READ_YET, notReadYet, RequestError } from '../http/request-error.ts'
import { unknownService } from '../http/unknown-service.ts'
import type { CanaryTraffic } from '../metrics/canary-traffic.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { CanaryBook } from './canary-book.ts'
import type { CanaryEntries, HeldSplitter } from './canary-entries.ts'
import { type CanaryView, viewCanary } from './canary-view.ts'

export interface CanaryRunnerOptions {
  readonly book: CanaryBook
  readonly entries: CanaryEntries
  readonly traffic: CanaryTraffic
  readonly log: Logger
  /** May this operator act (the leader)? */
  readonly isActive: () => boolean
  /** null until Consul was read. */
  readonly snapshot: () => CatalogSnapshot | null
  readonly instances: (service: string) => readonly InstanceReport[]
  readonly isEjected: (service: string, target: string) => boolean
  /** Why nothing of the service may be decided; null when it may. */
  readonly doubt: (service: string) => string | null
  /** Why Kong does not do yet what Consul says; null when it does. */
  readonly hold: (service: string) => string | null
}

export interface CanaryStart extends CanaryPlan {
  readonly by: string
  readonly createDefaults: boolean
}

const LOOK_MS = 200
/** How long what somebody has just written may take to arrive here. */
const ARRIVAL_MS = 2_000

/** Looks at canaries and moves them on: decides by core/canary, writes KV, then the splitter. Followers count as well. */
export class CanaryRunner {
  readonly #options: CanaryRunnerOptions
  /** What was decided last, by service, and in which step. */
  readonly #notes = new Map<string, { readonly key: string; readonly note: string }>()
  readonly #busy = new Set<string>()
  readonly #interval: NodeJS.Timeout
  #failure: string | null = null

  constructor(options: CanaryRunnerOptions) {
    this.#options = options
    this.#interval = setInterval(() => this.look(), LOOK_MS)
    this.#interval.unref()
  }

  stop(): void {
    clearInterval(this.#interval)
  }

  /** By service. @param service null for all */
  list(service: string | null): readonly CanaryView[] {
    const all = this.#options.book.list()
    return all
      .filter(({ plan }) => service === null || plan.service === service)
      .map((each) => this.view(each))
  }

  view(canary: Canary): CanaryView {
    const key = keyOf(canary)
    return viewCanary(
      canary,
      this.#options.traffic.of(canary.plan.service, key),
      noteOf(this.#notes.get(canary.plan.service), key),
    )
  }

  /**
   * Begins a canary.
   * @throws RequestError 404 for a service that is not there, 409 while one goes on, 422 naming the entry that lacks
   *   something, 503 when this operator may not act; ConsulError
   */
  async start({ by, createDefaults, ...plan }: CanaryStart): Promise<CanaryView> {
    const { book, entries } = this.#options
    const { service, to } = plan
    this.#mayAct()
    const running = book.get(service)
    if (running !== null && running.phase.at !== 'ended') {
      const mend = `end it first: kongsul canary abort ${service}`
      throw new RequestError(409, `a canary of ${service} to ${running.plan.to} goes on; ${mend}`)
    }
    let splitter = await entries.splitter(service)
    const hasDefaults = await entries.hasDefaults(service)
    const check = () => this.#check(plan, splitter, hasDefaults, createDefaults)
    let found = check()
    if (!found.ok && (await this.#isResolverUnread(service))) found = await arrived(check)
    if (!found.ok) throw invalidField(found.field, `cannot be tried: ${found.message}`)
    if (found.createsDefaults) await entries.createDefaults(service)
    const isOwn = splitter === null
    splitter ??= await entries.createSplitter(service, to)
    const canary = await book.begin(plan, by, splitter, isOwn)
    this.look()
    return this.view(canary)
  }

  /** @throws as CanaryBook.end, and RequestError 503 when this operator may not act */
  async end(service: string, how: 'promoted' | 'aborted', reason: string): Promise<CanaryView> {
    this.#mayAct()
    const canary = await this.#options.book.end(service, how, reason)
    this.look()
    return this.view(canary)
  }

  /** Looks at each canary that goes on; one at which it looks already is left alone. */
  look(): void {
    const { book, traffic } = this.#options
    for (const { plan, phase } of book.list()) if (phase.at === 'ended') traffic.forget(plan.service)
    for (const canary of book.active()) {
      const { service } = canary.plan
      if (this.#busy.has(service)) continue
      this.#busy.add(service)
      void this.#go(canary).finally(() => this.#busy.delete(service))
    }
  }

  async #go(canary: Canary): Promise<void> {
    const { book, entries, log, isActive } = this.#options
    const { service } = canary.plan
    try {
      const seen = await this.#see(canary)
      const { phase, writes, note } = nextPhase(canary, seen, Date.now())
      if (phase === canary.phase) this.#notes.set(service, { key: keyOf(canary), note })
      if (!isActive() || !book.isCurrent(canary)) return
      if (writes && seen.entry !== null) await entries.write(service, wishedSplits(canary), seen.entry.index)
      else if (phase !== canary.phase) await book.move(canary, phase)
      this.#failure = null
    } catch (error) {
      const reason = (error as Error).message
      this.#notes.set(service, { key: keyOf(canary), note: `waits: ${reason}` })
      if (reason !== this.#failure) log.warn('a canary cannot go on', { service, reason })
      this.#failure = reason
    }
  }

  async #see(canary: Canary): Promise<Seen> {
    const { traffic, snapshot, doubt, hold, entries } = this.#options
    const { service, to, maxP95Ms } = canary.plan
    const now = snapshot()
    const unclear = now === null ? NOT_READ_YET : doubt(service)
    const subset = now === null ? null : this.#subset(service, to, now)
    const key = keyOf(canary)
    if (subset !== null)
      traffic.watch({ service, key, targets: subset.targets, maxP95Ms, sinceMs: canary.phase.sinceMs })
    if (unclear !== null || subset === null) {
      return { ...EMPTY, doubt: unclear ?? `Consul has not said who is in subset ${to}` }
    }
    const splitter = now!.policies?.entries.splitters.get(service)
    const watched =
      splitter === undefined
        ? null
        : { index: splitter.ModifyIndex ?? 0, splits: splitter.Splits as readonly Split[] }
    const wished = wishedSplits(canary)
    const isAsWished = watched !== null && wished !== null && isSameSplit(service, wished, watched.splits)
    // The watch may lag behind what was written: before somebody else is suspected, or no longer, Consul is asked.
    const isSure = isAsWished !== (canary.phase.at === 'paused')
    const entry = isSure ? watched : await entries.splitter(service)
    return { doubt: null, hold: hold(service), entry, fault: subset.fault, traffic: traffic.of(service, key) }
  }

  #subset(service: string, to: string, now: CatalogSnapshot): SubsetInstances | null {
    const { instances, isEjected } = this.#options
    return subsetInstances(service, to, now, instances(service), (target) => isEjected(service, target))
  }

  #check(
    plan: CanaryPlan,
    splitter: HeldSplitter | null,
    hasDefaults: boolean,
    createDefaults: boolean,
  ): ReturnType<typeof checkStart> {
    const { snapshot } = this.#options
    const now = snapshot()
    if (now?.policies === undefined) throw notReadYet()
    const { service, to } = plan
    if (!now.services.has(service)) throw unknownService(service, now.services.keys())
    const unclear = this.#options.doubt(service)
    if (unclear !== null) throw new RequestError(503, `no canary is begun now: ${unclear}`)
    const subset = this.#subset(service, to, now)
    return checkStart(plan, {
      entries: now.policies.entries,
      splits: splitter?.splits ?? null,
      hasDefaults,
      createDefaults,
      fault: subset === null ? `Consul has not said who is in subset ${to}` : subset.fault,
    })
  }

  /** Does Consul hold another resolver than the one that is known here? */
  async #isResolverUnread(service: string): Promise<boolean> {
    const { entries, snapshot } = this.#options
    const known = snapshot()?.policies?.entries.resolvers.get(service)?.ModifyIndex
    return (await entries.resolverIndex(service)) !== (known ?? null)
  }

  #mayAct(): void {
    if (!this.#options.isActive()) {
      throw new RequestError(503, 'this operator does not write, and no other one is known to')
    }
  }
}

/** One step of one canary: requests are counted for it. */
const keyOf = ({ id, phase }: Canary): string =>
  `${id} ${phase.step} ${phase.at === 'running' ? phase.sinceMs : phase.at}`

const noteOf = (
  last: { readonly key: string; readonly note: string } | undefined,
  key: string,
): string | null => (last?.key === key ? last.note : null)

const EMPTY: Seen = {
  doubt: '',
  hold: null,
  entry: null,
  fault: null,
  traffic: NO_TRAFFIC,
}

/** What a check says once what was written just before has arrived. */
async function arrived<T extends { readonly ok: boolean }>(check: () => T): Promise<T> {
  const endMs = performance.now() + ARRIVAL_MS
  for (;;) {
    const found = check()
    if (found.ok || performance.now() > endMs) return found
    await delay(50)
  }
}
