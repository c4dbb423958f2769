// The mesh API: makes what its routes answer from what the operator knows, and hands them over as parts of the server.
import type { FastifyInstance } from 'fastify'
import { circuitStates } from '../api/circuit-states.ts'
import { DiscoveryCache } from '../api/discovery-cache.ts'
import { EventLog } from '../api/event-log.ts'
import { InFlight } from '../api/in-flight.ts'
import { listServices } from '../api/list-services.ts'
import { meshHealth } from '../api/mesh-health.ts'
import { topology } from '../api/topology.ts'
import { Caller } from '../call/caller.ts'
import { hostOf } from '../call/host-of.ts'
import { OutcomeWaiters } from '../call/outcome-waiters.ts'
import { createProxyClient } from '../call/proxy-client.ts'
import { createAgentWriter } from '../consul/agent-writer.ts'
import { isAskable } from '../consul/askable-name.ts'
import type { ConsulReader } from '../consul/consul-reader.ts'
import { createEntryWriter } from '../consul/entry-writer.ts'
import type { KvWriter } from '../consul/kv-writer.ts'
import { instancesFromRows } from '../core/consul-row.ts'
import { callRoute } from '../http/call-route.ts'
import { configureRoutes } from '../http/configure-routes.ts'
import { eventsRoute } from '../http/events-route.ts'
import { meshRoutes, readyDiscovery } from '../http/mesh-routes.ts'
import type { ReadyAnswer } from '../http/quick-answers.ts'
import { registerRoutes } from '../http/register-routes.ts'
import { splitRoutes } from '../http/split-routes.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { Configurator } from './configurator.ts'
import { EventWatch } from './event-watch.ts'
import type { KongFleet } from './kong-fleet.ts'
import type { CircuitRow } from './list-circuits.ts'
import type { OperatorConfig } from './operator-config.ts'
import type { OperatorStatus } from './operator-status.ts'
import { Registrar } from './registrar.ts'
import type { CountedOutcome } from './request-counter.ts'
import { SplitEditor } from './split-editor.ts'

export interface MeshApiOptions {
  readonly config: OperatorConfig
  readonly reader: ConsulReader
  readonly writer: KvWriter
  readonly metrics: Metrics
  readonly fleet: KongFleet
  readonly status: () => OperatorStatus
  readonly circuits: () => readonly CircuitRow[]
  /** null while reads of Consul work. */
  readonly consulDoubt: () => string | null
  /** Callees by caller, as traces show them. */
  readonly dependencies?: () => ReadonlyMap<string, readonly string[]>
}

export interface MeshApi {
  readonly ready: ReadyAnswer
  readonly parts: readonly ((app: FastifyInstance) => void)[]
  /** Something in the mesh may be otherwise than before: there may be events. */
  poke(): void
  close(): void
  readonly events: EventLog
  /** Requests in flight at `host:port` of a service, on average of the last seconds. */
  readonly connections: (service: string, target: string) => number
  /** What became of a request, as a plugin process tells it. */
  readonly noteOutcome: (outcome: CountedOutcome) => void
}

const DISCOVER_TTL_SECONDS = 30

export function createMeshApi(options: MeshApiOptions): MeshApi {
  const { config, reader, fleet, consulDoubt } = options
  const reconciler = fleet.primary
  const inFlight = new InFlight()
  const agents = createAgentWriter(config.consul, options.metrics)
  const registrar = new Registrar({
    consul: config.consul,
    reader,
    agents,
    snapshot: () => reconciler.snapshot,
  })
  const discovery = new DiscoveryCache({
    watched: (service) => reconciler.snapshot?.services.get(service),
    isInDoubt: () => reconciler.snapshot !== null && consulDoubt() !== null,
    read: async (service) => {
      if (!isAskable(service)) return reconciler.snapshot?.services.get(service) ?? []
      return instancesFromRows((await reader.service(service, { stale: false })).body)
    },
    now: () => performance.now(),
    ttlMs: (config.api.discoverTtlSeconds ?? DISCOVER_TTL_SECONDS) * 1000,
  })
  const states = () => circuitStates(options.circuits())
  const configurator = new Configurator({
    reader,
    writer: options.writer,
    snapshot: () => reconciler.snapshot,
    settings: () => reconciler.settings,
    problems: () => reconciler.problems(),
    changesWith: (key, text) => reconciler.changesWith({ key, text }),
    faultsOf: (key, text) => reconciler.refusalsOf(key, text),
  })
  const entries = createEntryWriter(config.consul, options.metrics)
  const splits = new SplitEditor({
    reader,
    writer: entries,
    snapshot: () => reconciler.snapshot,
    changesWith: (splitter) => reconciler.changesWith({ splitter }),
  })
  const events = new EventLog(Date.now() * 1000)
  const watch = new EventWatch(
    {
      services: () => reconciler.desired.services,
      circuits: options.circuits,
      overrides: () => reconciler.overrides(),
      problems: () => fleet.problems(),
      changes: (afterId) => fleet.changes.since(afterId, MOST_CHANGES),
    },
    events,
  )
  const connections = (service: string, target: string) =>
    inFlight.at(keyOf(service, target), performance.now())
  const proxy = createProxyClient(config.proxyUrl, { tls: config.proxyTls })
  const waiters = new OutcomeWaiters()
  const caller = new Caller({
    proxy,
    waiters,
    hostOf: (service) => hostOf(service, reconciler.snapshot, reconciler.desired.services),
    instanceAt: (serviceId, target) => {
      const service = reconciler.wanted.get(`service/${serviceId}`)?.owner
      const report = reconciler.desired.services.find((each) => each.service === service)
      return report?.instances.find((each) => each.target === target)?.id ?? null
    },
  })
  return {
    ready: readyDiscovery(discovery),
    parts: [
      meshRoutes({
        discovery,
        services: () => reconciler.snapshot && listServices(reconciler.snapshot, reconciler.desired.services),
        topology: () =>
          reconciler.snapshot &&
          topology({
            snapshot: reconciler.snapshot,
            circuits: states(),
            connections,
            dependencies: options.dependencies?.() ?? new Map(),
          }),
        health: () => {
          if (reconciler.snapshot === null) return null
          const { consul, kong, leader, last_sync } = options.status()
          return meshHealth({
            snapshot: reconciler.snapshot,
            circuits: states(),
            isConsulConnected: consul.connected,
            isKongConnected: kong.connected,
            leader: leader?.id ?? null,
            lastSync: last_sync,
          })
        },
      }),
      registerRoutes(registrar),
      callRoute(caller),
      configureRoutes(configurator),
      splitRoutes(splits),
      eventsRoute(events),
    ],
    events,
    connections,
    poke: () => watch.poke(),
    close: () => {
      watch.stop()
      agents.close()
      entries.close()
      proxy.close()
    },
    noteOutcome: (outcome) => {
      waiters.note(outcome)
      const { serviceId, instances, durationMs } = outcome
      const service = serviceId === null ? undefined : reconciler.wanted.get(`service/${serviceId}`)?.owner
      const target = instances.at(-1)
      if (service === undefined || target === undefined || !reconciler.facts.hasTarget(service, target))
        return
      inFlight.note(keyOf(service, target), durationMs, performance.now())
    },
  }
}

/** Written between two looks at the mesh: more are told by `/changes` alone. */
const MOST_CHANGES = 100

const keyOf = (service: string, target: string): string => `${service} ${target}`
