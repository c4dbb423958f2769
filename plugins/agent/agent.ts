// Joins what the plugins decide with what happens: outcomes of requests go to the circuits, to operators and as spans to
// collectors; verdicts of the circuits go to Kong and to operators; operators tell of the mesh.
import type { Registry } from 'prom-client'
import type { HealthRow } from '../../operator/kong/health-row.ts'
import { KongAdmin } from '../../operator/kong/kong-admin.ts'
import { markTarget } from '../../operator/kong/marks.ts'
import type { Logger } from '../../operator/telemetry/logger.ts'
import type { Transition } from '../breaker/transition.ts'
import { registerExportMetrics } from '../export/export-metrics.ts'
import { createOperatorLinks } from '../export/operator-links.ts'
import { OtlpExporter } from '../export/otlp-exporter.ts'
import { asJson } from '../export/otlp-json.ts'
import { rareWarning } from '../export/rare-log.ts'
import type { Circuits } from '../mesh-circuit-breaker/circuits.ts'
import type { Observer } from '../mesh-observer/observer.ts'
import { registerObserverMetrics } from '../mesh-observer/observer-metrics.ts'
import { registerFeedMetrics } from '../outcomes/feed-metrics.ts'
import type { Outcome } from '../outcomes/outcome.ts'
import { RecentRequests } from '../outcomes/recent-requests.ts'
import { type PreparedFeed, prepareUdpFeed, type UdpFeed } from '../outcomes/udp-feed.ts'
import type { Span } from '../spans/span.ts'
import { isRecorded, spansOf } from '../spans/spans-of.ts'
import { type AgentConfig, headersFor } from './agent-config.ts'
import { registerAgentMetrics } from './agent-metrics.ts'
import { CircuitHistory } from './circuit-history.ts'
import { CircuitReporter } from './circuit-reporter.ts'
import { circuitSnapshot } from './circuit-snapshot.ts'
import { Ejector, type Wish } from './ejector.ts'
import { HostTargets } from './host-targets.ts'
import { type AddressChanges, MeshKnowledge } from './mesh-knowledge.ts'
import { watchMesh } from './mesh-watch.ts'
import { OperatorCalls, OperatorRefusal } from './operator-calls.ts'
import { UnaskedRequests } from './unasked-requests.ts'

export interface AgentOptions {
  readonly config: AgentConfig
  readonly circuits: Circuits
  readonly observer: Observer
  /** How many messages Kong has sent to the plugins' sockets. */
  readonly calls: () => number
  readonly registry: Registry
  readonly log: Logger
}

const SWEEP_MS = 60_000

/** One for each process; it learns of the mesh from its start, and works from `work` on. */
export class Agent {
  readonly #options: AgentOptions
  readonly #mesh: MeshKnowledge
  readonly #history = new CircuitHistory()
  readonly #recent = new RecentRequests()
  readonly #unasked: UnaskedRequests
  readonly #operators: readonly OperatorCalls[]
  readonly #ending = new AbortController()
  readonly #admin: KongAdmin
  readonly #ejector: Ejector
  readonly #hosts: HostTargets
  readonly #links: ReturnType<typeof createOperatorLinks>
  readonly #exporters: readonly OtlpExporter<Span>[]
  readonly #prepared: PreparedFeed
  #reporter: CircuitReporter | null = null
  #feed: UdpFeed | null = null
  #sweep: NodeJS.Timeout | null = null

  /** @throws TypeError when an address is no URL. */
  constructor(options: AgentOptions) {
    const { config, circuits, observer, registry, log } = options
    const { operators, operatorsTls: tls, feedToken, version } = config
    this.#options = options
    this.#mesh = new MeshKnowledge(config.node)
    this.#operators = operators.map((url) => new OperatorCalls(url, feedToken, version, tls))
    this.#unasked = new UnaskedRequests({
      calls: options.calls,
      isForMesh: (host, path) => this.#mesh.hasRoute(host, path),
      onBegin: () =>
        log.error(
          'Kong answers 500 and does not call the plugins: may its worker processes open the sockets, and do they see them?',
          { code: 'PLUGINS_UNREACHED' },
        ),
    })
    const metrics = registerAgentMetrics(registry, {
      circuits,
      history: this.#history,
      mesh: this.#mesh,
      ejector: () => this.#ejector,
    })
    this.#admin = new KongAdmin(config.kong, metrics)
    this.#ejector = new Ejector({
      mark: (upstream, target, health) =>
        markTarget(this.#admin, upstream, target, health, this.#ending.signal),
      claim: (wish) => this.#tellOne('POST', wish),
      release: (wish) => this.#tellOne('DELETE', wish),
      log,
    })
    this.#links = createOperatorLinks(operators, { token: feedToken, tls, log })
    const source = { resource: { 'service.name': 'kong', 'service.instance.id': config.node }, version }
    this.#exporters = config.exporters.map(
      ({ name, url, tls: spoken, ...sent }) =>
        new OtlpExporter<Span>({
          ...{ name, url, tls: spoken, log },
          headers: () => headersFor(sent),
          encode: asJson(source),
        }),
    )
    registerExportMetrics(registry, { exporters: this.#exporters, links: this.#links.links })
    circuits.connect(
      {
        transition: (transition) => this.#onTransition(transition),
        rotation: (upstream, target, isIn) => this.#onRotation(upstream, target, isIn),
        stray: (upstream, target) => this.#onStray(upstream, target),
        refused: (key, errors) =>
          log.error('the configuration of mesh-circuit-breaker is not valid: the one before stays', {
            service: this.#mesh.service(key) ?? key,
            errors: errors.join('; '),
          }),
      },
      this.#mesh,
    )
    const warn = rareWarning(log)
    observer.connect(
      (outcome) => this.#take(outcome),
      (error) => warn('an outcome could not be used', { error: String((error as Error)?.stack ?? error) }),
    )
    registerObserverMetrics(registry, observer, this.#recent)
    this.#hosts = new HostTargets({
      mesh: this.#mesh,
      read: async (upstream) =>
        (await this.#admin.list(['upstreams', upstream, 'health'])) as unknown as HealthRow[],
      onChange: (changes) => this.#onAddresses(changes),
      onFailure: (upstream, error) =>
        warn('which instances the addresses of an upstream are of is not known', { upstream, error }),
      signal: this.#ending.signal,
    })
    this.#prepared = prepareUdpFeed({
      ...config.feed,
      token: config.lineToken,
      onOutcome: (outcome) => this.#take(outcome),
      log,
    })
    void watchMesh({
      operators: this.#operators,
      onChanges: (changes) => {
        circuits.meshChanged(this.#mesh.update(changes))
        this.#hosts.meshChanged()
      },
      log,
      signal: this.#ending.signal,
    })
  }

  /**
   * Takes in outcomes from now on, also those that have waited.
   * @param feedFd of the socket to which Kong sends its access log
   */
  async work(feedFd: number): Promise<void> {
    const { config, circuits, registry, log } = this.#options
    this.#reporter = new CircuitReporter({
      operators: this.#operators,
      node: config.node,
      epoch: `${process.pid}-${Date.now()}`,
      fromKong: () => ({ called: this.#options.calls() > 0, unasked: this.#unasked.count }),
      snapshot: () =>
        circuitSnapshot(circuits.all(), (key) => circuits.serviceIdOf(key), this.#history, {
          nowMs: performance.now(),
          wallNowMs: Date.now(),
        }),
      log,
    })
    this.#sweep = setInterval(() => circuits.sweep(), SWEEP_MS)
    this.#sweep.unref()
    try {
      this.#feed = await this.#prepared.listen(feedFd)
      registerFeedMetrics(registry, this.#feed)
    } catch (error) {
      log.error('no outcomes: the feed cannot listen', { error: (error as Error).message })
    }
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    this.#reporter?.stop()
    this.#ejector.stop()
    if (this.#sweep !== null) clearInterval(this.#sweep)
    await this.#feed?.close()
    await Promise.all([this.#links.stop(), ...this.#exporters.map((exporter) => exporter.stop())])
    this.#admin.close()
    for (const operator of this.#operators) operator.close()
  }

  #take(raw: Outcome): void {
    this.#unasked.note(raw)
    const known = this.#recent.note(raw.requestId, raw.serviceId !== null)
    if (known === 'attributed') return
    this.#hosts.note(raw)
    const outcome = this.#mesh.named(this.#mesh.completed(raw))
    this.#options.circuits.report(outcome)
    // Whose it is was not known when it came first: it has been handed on all the same.
    if (known === 'unattributed') return
    this.#links.add(outcome)
    if (this.#exporters.length === 0 || !isRecorded(outcome)) return
    const spans = spansOf(outcome, this.#mesh)
    for (const exporter of this.#exporters) exporter.add(spans)
  }

  #onTransition(transition: Transition): void {
    const { key, instance, from, to, reason, wouldBe } = transition
    const wallMs = Date.now()
    this.#history.note(transition, wallMs)
    const offsetMs = wallMs - performance.now()
    this.#reporter?.changed({
      ...transition,
      atMs: Math.round(transition.atMs + offsetMs),
      deadlineMs: transition.deadlineMs === null ? null : Math.round(transition.deadlineMs + offsetMs),
    })
    const service = instance === null ? (this.#mesh.service(key) ?? key) : key
    this.#options.log.warn(wouldBe ? 'circuit would change' : 'circuit changed', {
      service,
      ...(instance === null ? {} : { instance }),
      from,
      to,
      reason,
    })
  }

  #onRotation(upstream: string, target: string, isIn: boolean): void {
    const remainingMs = isIn ? 0 : this.#options.circuits.ejectedUntilMs(upstream, target) - performance.now()
    const untilMs = isIn ? 0 : Math.round(Date.now() + remainingMs)
    const reason = this.#history.of(upstream, target)?.reason ?? ''
    const addresses = this.#mesh.addressesOf(target)
    const wish = { upstream, target, isIn, untilMs, reason }
    this.#ejector.want(addresses === 0 ? wish : { ...wish, addresses })
  }

  /** Kong lost the mark, as with a restart. Where somebody took the ejection away it is not made again. */
  #onStray(upstream: string, target: string): void {
    if (!this.#mesh.isEjected(upstream, target, Date.now())) return
    this.#options.log.info('an ejected instance may get requests: it is marked again', { upstream, target })
    // Decided by another process: the claim is its own.
    if (this.#options.circuits.ejectedUntilMs(upstream, target) === 0) void this.#markOut(upstream, target)
    else this.#onRotation(upstream, target, false)
  }

  /** Where it fails, the next request to the instance brings it about again. */
  async #markOut(upstream: string, target: string): Promise<void> {
    try {
      await markTarget(this.#admin, upstream, target, 'unhealthy', this.#ending.signal)
    } catch (error) {
      this.#options.log.warn('Kong cannot be told to mark a target', {
        upstream,
        target,
        health: 'unhealthy',
        reason: (error as Error).message,
      })
    }
  }

  /** Host names have other addresses: what is ejected of those that are gone is claimed no more. */
  #onAddresses({ services, gone }: AddressChanges): void {
    const { circuits } = this.#options
    const claimed = gone.filter(({ upstream, instance }) => circuits.ejectedUntilMs(upstream, instance) > 0)
    circuits.meshChanged(services)
    for (const { upstream, instance: target } of claimed)
      this.#ejector.want({ upstream, target, isIn: true, untilMs: 0, reason: 'its name has it no more' })
  }

  /** One operator is enough: it writes the claim into Consul. @throws Error of the last that did not take it */
  async #tellOne(method: 'POST' | 'DELETE', wish: Wish): Promise<void> {
    const { upstream, target, untilMs, reason, addresses } = wish
    const owner = this.#options.config.node
    const body = { upstream, target, owner, ...(method === 'POST' ? { untilMs, reason, addresses } : {}) }
    let failure: unknown
    for (const operator of this.#operators) {
      try {
        await operator.call(method, '/internal/ejections', { body })
        return
      } catch (error) {
        failure = error
        if (error instanceof OperatorRefusal && error.status === 409) throw error
      }
    }
    if (failure !== undefined) throw failure
  }
}
