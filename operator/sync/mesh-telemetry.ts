// What is measured and watched: requests as plugin processes tell of them, the numbers of the dashboard, alerts. It makes
// what its routes answer from what the operator knows, and hands them over as parts of the server.
import type { FastifyInstance } from 'fastify'
import { conditions, type JudgedService } from '../alerts/conditions.ts'
import { type CircuitStates, circuitStates } from '../api/circuit-states.ts'
import type { EventLog } from '../api/event-log.ts'
import { type MeshInstance, meshServices } from '../api/mesh-services.ts'
import type { KvWriter } from '../consul/kv-writer.ts'
import type { KvRows } from '../core/settings-status.ts'
import { alertRoutes } from '../http/alert-routes.ts'
import { type Dashboard, dashboardRoute, type ServiceNumbers } from '../http/dashboard-route.ts'
import { tapRoute } from '../http/tap-route.ts'
import { readCertificates } from '../kong/read-certificates.ts'
import { registerInstanceMetrics } from '../metrics/instance-metrics.ts'
import { type MeshMetrics, meshMetrics, rateOf, serviceMetrics } from '../metrics/mesh-numbers.ts'
import { MetricsHistory } from '../metrics/metrics-history.ts'
import { OutcomeTap } from '../metrics/outcome-tap.ts'
import { RedBook } from '../metrics/red-book.ts'
import { registerRedMetrics } from '../metrics/red-metrics.ts'
import { serviceGraph } from '../metrics/service-graph.ts'
import type { ToldOutcome } from '../metrics/told-outcome.ts'
import type { TraceSource } from '../metrics/trace-source.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { AlertBook } from './alert-book.ts'
import { AlertSender } from './alert-sender.ts'
import type { KongFleet } from './kong-fleet.ts'
import { kongFault } from './kong-node-status.ts'
import type { CircuitRow } from './list-circuits.ts'
import type { OperatorConfig } from './operator-config.ts'
import { RequestCounter } from './request-counter.ts'
import { SilenceBook } from './silence-book.ts'

export interface MeshTelemetryOptions {
  readonly config: OperatorConfig
  readonly writer: KvWriter
  readonly metrics: Metrics
  readonly log: Logger
  readonly fleet: KongFleet
  readonly circuits: () => readonly CircuitRow[]
  readonly events: EventLog
  /** null while reads of Consul work. */
  readonly consulDoubt: () => string | null
  /** Requests in flight at `host:port` of a service. */
  readonly connections: (service: string, target: string) => number
  readonly apiUrl: () => string
  readonly isLeading: () => boolean
  readonly traces: TraceSource
}

/** How often alerts are judged, and series of what is gone are looked for. */
const LOOK_MS = 2_000
const RECENT_TRACES = 20
const MOST_CERTIFICATES = 500

export class MeshTelemetry {
  readonly parts: readonly ((app: FastifyInstance) => void)[]
  readonly #options: MeshTelemetryOptions
  readonly #requests: RequestCounter
  readonly #book: RedBook
  readonly #tap = new OutcomeTap()
  readonly #history = new MetricsHistory()
  readonly #silences: SilenceBook
  readonly #sender: AlertSender
  readonly #alerts: AlertBook
  readonly #interval: NodeJS.Timeout
  /** Only while alerts are looked at: a mesh of thousands is judged once for all of them. */
  #looked: readonly JudgedService[] | null = null

  /** @throws TypeError when the webhook is no URL */
  constructor(options: MeshTelemetryOptions) {
    this.#options = options
    const { config, metrics, log, writer, fleet, events, isLeading } = options
    const reconciler = fleet.primary
    const whose = {
      serviceOf: (serviceId: string) => reconciler.wanted.get(`service/${serviceId}`)?.owner ?? null,
      knows: (service: string, instance: string) => reconciler.facts.hasTarget(service, instance),
    }
    this.#requests = new RequestCounter({ metrics, ...whose })
    this.#book = new RedBook({ ...whose, startedMs: performance.now() })
    registerRedMetrics(metrics.registry, this.#book)
    registerInstanceMetrics(metrics.registry, () => this.#services())
    this.#silences = new SilenceBook({ writer, log, isActive: isLeading })
    this.#sender = new AlertSender({
      urls: config.alerts?.webhooks ?? [],
      token: config.alerts?.token,
      tls: config.alerts?.tls,
      mesh: config.mesh,
      apiUrl: options.apiUrl,
      isActive: isLeading,
      runbook: config.links?.runbook,
      metrics,
      log,
    })
    this.#alerts = new AlertBook({
      ...{ writer, log, metrics, events },
      sender: this.#sender,
      silences: () => this.#silences.list(),
      conditions: (settings) => {
        const facts = this.#facts()
        return facts === null ? [] : conditions(facts, settings)
      },
      isActive: isLeading,
      runbook: config.links?.runbook,
    })
    this.parts = [
      dashboardRoute({
        isRead: () => reconciler.snapshot !== null,
        dashboard: (samples) => this.dashboard(samples),
        service: (name) => this.#serviceNumbers(name),
        services: () => this.#services().keys(),
      }),
      alertRoutes({
        alerts: () => this.#alerts.list(),
        silences: () => this.#silences.list(),
        silence: (silence) => this.#silences.add(silence),
        unsilence: (id) => this.#silences.remove(id),
      }),
      tapRoute(this.#tap),
    ]
    void this.#readCertificates()
    this.#interval = setInterval(() => this.#look(), LOOK_MS)
    this.#interval.unref()
  }

  noteOutcome(outcome: ToldOutcome): void {
    this.#requests.count(outcome)
    const service = this.#book.note(outcome, performance.now())
    if (service === null || this.#tap.listeners === 0) return
    this.#tap.note(service, outcome, (target) => this.#idOf(service, target))
  }

  /** What KV holds now. */
  setRows(rows: KvRows): void {
    this.#silences.setRows(rows)
    this.#alerts.setRows(rows)
  }

  /** Mends what KV tells, if this operator may. */
  review(): void {
    this.#alerts.review()
    void this.#silences.review()
    void this.#readCertificates()
  }

  /** Callees by caller, as requests show them and as spans do; sorted. */
  dependencies(ofSpans: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, readonly string[]> {
    const found = new Map<string, Set<string>>()
    const add = (caller: string, callee: string) =>
      found.set(caller, (found.get(caller) ?? new Set<string>()).add(callee))
    for (const { caller, service } of this.#book.edges()) add(caller, service)
    for (const [caller, callees] of ofSpans) for (const callee of callees) add(caller, callee)
    return new Map(
      [...found]
        .sort(([left], [right]) => (left < right ? -1 : 1))
        .map(([caller, callees]) => [caller, [...callees].sort()]),
    )
  }

  /** null until Consul has been read. @param samples of the history */
  dashboard(samples: number): Dashboard | null {
    const judged = this.#judged()
    if (judged === null) return null
    const nowMs = performance.now()
    const services = judged.map(({ requests: _requests, ...service }) => service)
    const counted = this.#book.edges().map((edge) => ({
      caller: edge.caller,
      callee: edge.service,
      calls: edge.series.requests,
      errors: edge.series.failures,
      window: this.#book.edgeWindow(edge, nowMs),
    }))
    return {
      timestamp: new Date().toISOString(),
      mesh_metrics: this.#meshMetrics(services),
      services: Object.fromEntries(services.map((service) => [service.service_name, service])),
      service_graph: serviceGraph(services, counted, this.#traces.edges()),
      recent_traces: [...this.#traces.recentTraces(RECENT_TRACES)],
      alerts: [...this.#alerts.list()],
      metrics_history: [...this.#history.last(samples)],
    }
  }

  stop(): void {
    clearInterval(this.#interval)
    this.#sender.stop()
  }

  /** At the start and with each resync. */
  async #readCertificates(): Promise<void> {
    const { fleet, metrics, log } = this.#options
    try {
      const certificates = await readCertificates(fleet.reachable.kong.admin)
      metrics.certificateEnd.reset()
      for (const { name, id, endsAt } of certificates.slice(0, MOST_CERTIFICATES))
        metrics.certificateEnd.set({ name, id }, endsAt)
    } catch (error) {
      // That Kong cannot be reached is told elsewhere; what was read stays.
      log.debug('certificates cannot be read', { reason: (error as Error).message })
    }
  }

  get #traces(): TraceSource {
    return this.#options.traces
  }

  #look(): void {
    const services = this.#judged()
    if (services === null) return
    this.#history.note(() => this.#meshMetrics(services), Date.now())
    const known = this.#services()
    const isKnown = (service: string) => known.has(service)
    this.#book.forgetGone(isKnown)
    this.#requests.forgetGone(isKnown)
    void this.#silences.review()
    this.#looked = services
    try {
      this.#alerts.look(Date.now())
    } finally {
      this.#looked = null
    }
  }

  #services(): ReadonlyMap<string, readonly MeshInstance[]> {
    const { snapshot } = this.#options.fleet.primary
    return snapshot === null ? new Map() : meshServices(snapshot)
  }

  /** null until Consul has been read. */
  #judged(): readonly JudgedService[] | null {
    if (this.#options.fleet.primary.snapshot === null) return null
    const circuits = this.#circuits()
    return [...this.#services()].map(([service, instances]) => this.#judge(service, instances, circuits))
  }

  #judge(service: string, instances: readonly MeshInstance[], circuits: CircuitStates): JudgedService {
    const window = this.#book.serviceWindow(service, performance.now())
    const connections = instances.reduce((sum, { target }) => sum + this.#inFlight(service, target), 0)
    const numbers = serviceMetrics({ service, instances, window, circuits, connections })
    return { ...numbers, requests: window.requests }
  }

  #meshMetrics(services: Parameters<typeof meshMetrics>[0]['services']): MeshMetrics {
    const { mesh } = this.#book
    const window = this.#book.meshWindow(performance.now())
    return meshMetrics({ services, window, totals: mesh, storedTraces: this.#traces.size })
  }

  #facts(): Parameters<typeof conditions>[0] | null {
    const services = this.#looked ?? this.#judged()
    if (services === null) return null
    return {
      services,
      mesh: this.#meshMetrics(services),
      problems: this.#options.fleet.problems(),
      consulError: this.#options.consulDoubt(),
      kongError: kongFault(this.#options.fleet.nodes()),
    }
  }

  #serviceNumbers(name: string): ServiceNumbers | null {
    const instances = this.#services().get(name)
    if (instances === undefined) return null
    const circuits = this.#circuits()
    const nowMs = performance.now()
    const { requests: _requests, ...numbers } = this.#judge(name, instances, circuits)
    return {
      timestamp: new Date().toISOString(),
      ...numbers,
      instances: instances.map(({ id, address, target, state }) => ({
        ...{ id, address, state },
        circuit_breaker: circuits.instances.get(id) ?? 'closed',
        active_connections: this.#inFlight(name, target),
        ...rateOf(this.#book.instanceWindow(name, target, nowMs)),
      })),
    }
  }

  #circuits(): CircuitStates {
    return circuitStates(this.#options.circuits())
  }

  #inFlight(service: string, target: string): number {
    return target === '' ? 0 : this.#options.connections(service, target)
  }

  #idOf(service: string, target: string): string | null {
    const report = this.#options.fleet.primary.desired.services.find((each) => each.service === service)
    return report?.instances.find((each) => each.target === target)?.id ?? null
  }
}
