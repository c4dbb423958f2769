// The mesh as every page needs it: numbers, graph, alerts, and the samples of the past.
import type { Dashboard, ListedService, ServiceGraph, Topology } from '../model/api-shapes.ts'
import { mergeHistory, samplesToAsk } from '../model/history.ts'
import { rangeMs } from '../model/ranges.ts'
import { namesOf, type ServiceRow, serviceRows, unmeasured } from '../model/service-rows.ts'
import { readJson } from './api.ts'
import { place } from './place.ts'
import { Resource } from './resource.ts'
import { useStore } from './store.ts'

export interface Mesh extends Dashboard {
  readonly rows: ReadonlyMap<string, ServiceRow>
  /** In order; the same list while the services are the same. */
  readonly names: readonly string[]
  /** false: this operator counts no requests, there is health alone. */
  readonly isMeasured: boolean
}

const EVERY_MS = 5_000
const LONGEST_MS = rangeMs('3h')

export const mesh: Resource<Mesh> = new Resource<Mesh>({
  everyMs: EVERY_MS,
  path: () => {
    const samples = mesh.state.get().data?.metrics_history ?? []
    return `dashboard?history=${samplesToAsk(samples, rangeMs(place.get().range), Date.now())}`
  },
  take: (answer, before) => ({
    ...answer,
    metrics_history: mergeHistory(before?.metrics_history ?? [], answer.metrics_history, LONGEST_MS),
    rows: serviceRows(answer.services, before?.rows),
    names: namesOf(answer.services, before?.names),
    isMeasured: answer.isMeasured ?? true,
  }),
  instead: withoutNumbers,
})

/** Names of all services, drawn anew only where there are others. */
export const useNames = (): readonly string[] => useStore(mesh.state, ({ data }) => data?.names ?? NO_NAMES)

const NO_NAMES: readonly string[] = []

// A longer range needs samples that were not asked for.
place.listen(() => mesh.refresh())

async function withoutNumbers(signal: AbortSignal): Promise<Mesh> {
  const [listed, topology] = await Promise.all([
    readJson<{ services: readonly ListedService[] }>('services', signal),
    readJson<Topology>('topology', signal),
  ])
  const services = unmeasured(listed.services, topology)
  const rows = Object.values(services)
  const sum = (read: (row: (typeof rows)[number]) => number) => rows.reduce((all, row) => all + read(row), 0)
  const total = sum((row) => row.instance_count)
  const healthy = sum((row) => row.healthy_count)
  return {
    timestamp: new Date().toISOString(),
    services,
    rows: new Map(),
    names: [],
    isMeasured: false,
    alerts: [],
    metrics_history: [],
    service_graph: graphOf(services, topology),
    mesh_metrics: {
      total_services: rows.length,
      total_instances: total,
      healthy_instances: healthy,
      degraded_instances: sum((row) => row.degraded_count),
      unhealthy_instances: sum((row) => row.unhealthy_count),
      total_requests: 0,
      failed_requests: 0,
      request_rate: 0,
      avg_latency: 0,
      circuit_breakers_open: sum((row) => row.circuit_breakers_open),
      active_traces: 0,
      health_score: total === 0 ? 100 : (100 * healthy) / total,
      success_rate: 100,
    },
  }
}

function graphOf(services: ReturnType<typeof unmeasured>, { dependencies }: Topology): ServiceGraph {
  return {
    nodes: Object.values(services).map((row) => ({
      id: row.service_name,
      label: row.service_name,
      status: 'unknown',
      ...row,
    })),
    edges: Object.entries(dependencies).flatMap(([source, targets]) =>
      targets.map((target) => ({
        source,
        target,
        ...{ calls: 0, errors: 0, request_rate: 0, error_rate: 0, p95_latency: 0 },
      })),
    ),
  }
}
