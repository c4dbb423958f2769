// The circuits of this process: what Kong's plugin entities configure, what outcomes report, what the operator tells of
// instances. They outlive kong-pdk's instances, which come and go with every change of any plugin.
import { canonicalJson } from '../../operator/core/canonical-json.ts'
import type { Json } from '../../operator/core/entity.ts'
import type { FaultView } from '../../operator/core/faults.ts'
import { instanceKey } from '../../operator/core/instance-key.ts'
import { Breaker } from '../breaker/breaker.ts'
import type { Elsewhere, Health } from '../breaker/instance-circuit.ts'
import { CHECK_PASSED } from '../breaker/instance-group.ts'
import { monotonicStart } from '../breaker/monotonic-start.ts'
import { readSettings } from '../breaker/read-settings.ts'
import type { ServiceCircuit } from '../breaker/service-circuit.ts'
import { compileSettings, type Settings } from '../breaker/settings.ts'
import type { BreakerDocument } from '../breaker/settings-shape.ts'
import type { Transition } from '../breaker/transition.ts'
import type { Outcome } from '../outcomes/outcome.ts'
import type { BreakerPluginConfig } from './config.ts'

/** Who hears of what happens. What they throw is counted and never reaches a request. */
export interface CircuitListener {
  transition(transition: Transition): void
  /** The instance is to get requests, or none. */
  rotation(upstream: string, instance: string, isIn: boolean): void
  /** An instance that is to get none got one, or may get some: Kong may have lost its mark. At most once a second. */
  stray(upstream: string, instance: string): void
  /** A configuration is not valid: the one before it stays. */
  refused(key: string, errors: readonly string[]): void
}

/** What the operator tells of the service behind a circuit. */
export interface CircuitSurroundings {
  readonly service: string
  readonly upstream: string
  readonly health: ReadonlyMap<string, Health>
  /** Ejections in force of this node of Kong, by instance, epoch ms: a process before this one may have left them. */
  readonly ejectedUntilMs: ReadonlyMap<string, number>
  /** What processes of other nodes keep out of this Kong as well, since the nodes share their marks. */
  readonly outElsewhere: ReadonlyMap<string, Elsewhere>
  /** Mode in Consul's settings. Forced open wins, whoever says it. */
  readonly mode: string
  /** Faults to be injected; absent: none, and so from an operator of an older version. */
  readonly faults?: FaultView | undefined
}

/** What the operator has told of the mesh. */
export interface CircuitMesh {
  surroundings(key: string, serviceId: string | null): CircuitSurroundings | null
  /** Other upstreams that the same instance is in, each with all of its instances. */
  elsewhere(
    upstream: string,
    instance: string,
  ): readonly { readonly upstream: string; readonly health: ReadonlyMap<string, Health> }[]
}

const UNKNOWN_MESH: CircuitMesh = { surroundings: () => null, elsewhere: () => [] }

export interface CircuitsOptions {
  /** Monotonic, ms. */
  readonly nowMs: () => number
  readonly wallNowMs: () => number
  readonly random: () => number
}

interface Configured {
  readonly serviceId: string | null
  /** Of the instance that said so, -1 where it has none. */
  instanceId: number
  readonly text: string
  readonly document: BreakerDocument
  /** As compiled, by whether Consul forces the circuit open. */
  settings: Settings
  isForcedOpen: boolean
  faults: FaultView | null
  refusals: number
}

/** A circuit is given up when nobody asked it for so long and the operator does not know its service: two hours. */
const IDLE_SECONDS = 7_200

export class Circuits {
  readonly #options: CircuitsOptions
  readonly #breaker: Breaker
  readonly #configured = new Map<string, Configured>()
  #listener: CircuitListener | null = null
  #mesh: CircuitMesh = UNKNOWN_MESH

  constructor(options: CircuitsOptions) {
    this.#options = options
    this.#breaker = new Breaker({
      random: options.random,
      onTransition: (transition) => {
        this.#listener?.transition(transition)
        if (transition.instance !== null && !transition.wouldBe) this.#follow(transition, transition.instance)
      },
      onRotation: (upstream, instance, isIn) => this.#listener?.rotation(upstream, instance, isIn),
      onStray: (upstream, instance) => this.#listener?.stray(upstream, instance),
    })
  }

  /** From now on `listener` hears of everything, and `mesh` says what the operator knows. */
  connect(listener: CircuitListener, mesh: CircuitMesh): void {
    this.#listener = listener
    this.#mesh = mesh
  }

  /**
   * Called at the first event of every instance of the plugin that Kong starts. What the newest instance says holds:
   * after a change of processes the first event of an old one may come behind.
   */
  configure({ key, serviceId, instanceId, settings }: BreakerPluginConfig): void {
    // Kong writes an object's keys in another order each time it begins.
    const text = canonicalJson(settings as Json)
    const before = this.#configured.get(key)
    if (key === '' || (instanceId ?? Number.POSITIVE_INFINITY) < (before?.instanceId ?? -1)) return
    if (before?.text === text) {
      before.instanceId = instanceId ?? before.instanceId
      // A Kong that begins anew starts its instances anew, and has no marks.
      this.#breaker.remind(this.#options.nowMs(), key)
      return
    }
    const read = readSettings(settings)
    if (!read.ok) this.#listener?.refused(key, read.errors)
    // A mode is taken even where another field is wrong: it is what people on call set.
    const { mode } = settings as { mode?: BreakerDocument['mode'] }
    const document = read.ok ? read.document : { ...before?.document, ...(mode && { mode }) }
    this.#configured.set(key, {
      serviceId,
      instanceId: instanceId ?? -1,
      text,
      document,
      settings: compileSettings(document),
      isForcedOpen: false,
      faults: null,
      refusals: before?.refusals ?? 0,
    })
    this.#apply(key)
  }

  /** 0: the request may go on; otherwise whole seconds for `Retry-After`. Costs tens of nanoseconds. */
  decide(key: string): number {
    return this.#breaker.decide(this.#options.nowMs(), key)
  }

  /** Faults that requests of this circuit are to get; null: none. */
  faultsOf(key: string): FaultView | null {
    return this.#configured.get(key)?.faults ?? null
  }

  /** Consul's name of the service; its id in Kong while that is not known. */
  serviceOf(key: string): string {
    const serviceId = this.#configured.get(key)?.serviceId ?? null
    return this.#mesh.surroundings(key, serviceId)?.service ?? serviceId ?? key
  }

  /** Called for a request that is refused: Consul's name of its service, and the state of its circuit. */
  refused(key: string): { readonly service: string; readonly state: string } {
    const state = this.#breaker.circuit(key)?.state ?? 'closed'
    const configured = this.#configured.get(key)
    if (configured !== undefined) configured.refusals++
    return { service: this.serviceOf(key), state: state === 'closed' ? 'ejected' : state }
  }

  report(outcome: Outcome): void {
    const { routeId, serviceId, startedAtMs, durationMs } = outcome
    const key = routeId !== null && this.#configured.has(routeId) ? routeId : serviceId
    if (key === null) return
    const nowMs = this.#options.nowMs()
    this.#breaker.report(nowMs, {
      service: key,
      startedAtMs: monotonicStart(nowMs, this.#options.wallNowMs(), startedAtMs, durationMs),
      status: outcome.status,
      source: outcome.source,
      durationMs,
      ttfbMs: outcome.ttfbMs,
      grpcStatus: outcome.grpcStatus,
      tries: outcome.tries.map(circuitTry),
    })
  }

  /** The operator's view has changed: of the services with these ids, or of all. */
  meshChanged(serviceIds: ReadonlySet<string> | null): void {
    for (const [key, { serviceId }] of this.#configured) {
      if (serviceIds === null || serviceId === null || serviceIds.has(serviceId)) this.#apply(key)
    }
  }

  /** Gives up circuits of services that are long gone. */
  sweep(): void {
    const oldest = Math.floor(this.#options.nowMs() / 1_000) - IDLE_SECONDS
    for (const [key, { serviceId }] of this.#configured) {
      const circuit = this.#breaker.circuit(key)
      if (circuit === undefined || circuit.seenSeconds > oldest || this.#mesh.surroundings(key, serviceId))
        continue
      this.#breaker.remove(key)
      this.#configured.delete(key)
    }
    this.#breaker.tidy(this.#options.nowMs())
  }

  /** For reading. */
  all(): Iterable<ServiceCircuit> {
    return this.#breaker.circuits()
  }

  refusalsOf(key: string): number {
    return this.#configured.get(key)?.refusals ?? 0
  }

  serviceIdOf(key: string): string | null {
    return this.#configured.get(key)?.serviceId ?? null
  }

  /** End of an ejection on the circuits' clock; 0 for an instance that is not ejected. */
  ejectedUntilMs(upstream: string, instance: string): number {
    return this.#breaker.ejectedUntilMs(upstream, instance)
  }

  get records(): Breaker['records'] {
    return this.#breaker.records
  }

  get callbackErrors(): number {
    return this.#breaker.callbackErrors
  }

  #apply(key: string): void {
    const configured = this.#configured.get(key)!
    const nowMs = this.#options.nowMs()
    const found = this.#mesh.surroundings(key, configured.serviceId)
    const isForcedOpen = found?.mode === 'forced_open'
    configured.faults = found?.faults ?? null
    if (isForcedOpen !== configured.isForcedOpen) {
      const { document } = configured
      configured.isForcedOpen = isForcedOpen
      configured.settings = compileSettings(isForcedOpen ? { ...document, mode: 'forced_open' } : document)
    }
    // Without an operator there are no instances to judge; the service's own circuit works.
    this.#breaker.setConfig(nowMs, key, configured.settings, found?.upstream ?? this.#upstreamOf(key))
    if (found === null) return
    this.#breaker.setHealth(nowMs, found.upstream, found.health)
    this.#breaker.setElsewhere(nowMs, found.upstream, found.outElsewhere)
    this.#joinEjections(nowMs, found)
    if (found.ejectedUntilMs.size === 0) return
    const offsetMs = nowMs - this.#options.wallNowMs()
    const deadlines = [...found.ejectedUntilMs].map(([key, untilMs]) => [key, untilMs + offsetMs] as const)
    this.#breaker.adoptEjections(nowMs, found.upstream, new Map(deadlines))
  }

  /** What is ejected in one upstream is no better in another: it goes from all that it is in, and comes back to all. */
  #follow({ atMs, key, to, deadlineMs, reason }: Transition, instance: string): void {
    for (const { upstream, health } of this.#mesh.elsewhere(key, instance)) {
      const other = { upstream, instances: health, like: key }
      if (to === 'probing' && reason === CHECK_PASSED) this.#breaker.release(atMs, upstream, instance, reason)
      else if (to === 'probing') this.#breaker.sweep(atMs, upstream)
      if (to !== 'ejected' || deadlineMs === null) continue
      this.#breaker.ejectUntil(atMs, other, instance, deadlineMs, elsewhereReason(key, reason))
    }
  }

  /** An upstream that was not there, or not with these instances, when they were ejected elsewhere. */
  #joinEjections(nowMs: number, { upstream, health }: CircuitSurroundings): void {
    for (const instance of health.keys()) {
      for (const other of this.#mesh.elsewhere(upstream, instance)) {
        const untilMs = this.#breaker.ejectedUntilMs(other.upstream, instance)
        const here = { upstream, instances: health, like: other.upstream }
        const reason = elsewhereReason(other.upstream, 'before it was here')
        if (untilMs > nowMs) this.#breaker.ejectUntil(nowMs, here, instance, untilMs, reason)
      }
    }
  }

  /** What it was while the operator knew it: what was learned of its instances stays. */
  #upstreamOf(key: string): string {
    return this.#breaker.circuit(key)?.group.upstream ?? key
  }
}

/** What a host name resolves to has circuits of its own. */
const circuitTry = (each: Outcome['tries'][number]) =>
  each.address === undefined ? each : { ...each, instance: instanceKey(each.instance, each.address) }

const ELSEWHERE = 'ejected_elsewhere'

/** Upstreams hear of it from each other: the reason is that of the first. */
const elsewhereReason = (upstream: string, reason: string): string =>
  reason.startsWith(ELSEWHERE) ? reason : `${ELSEWHERE}: in ${upstream}, ${reason}`
