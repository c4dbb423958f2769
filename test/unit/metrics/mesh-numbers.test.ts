import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { MeshInstance } from '../../../operator/api/mesh-services.ts'
import { meshMetrics, nodeStatus, serviceMetrics } from '../../../operator/metrics/mesh-numbers.ts'
import { MetricsHistory } from '../../../operator/metrics/metrics-history.ts'
import { NO_REQUESTS, RedSeries } from '../../../operator/metrics/red-series.ts'
import { serviceGraph } from '../../../operator/metrics/service-graph.ts'

const instance = (id: string, state: MeshInstance['state']): MeshInstance => ({
  ...{ id, state },
  address: `10.0.0.1:${id.length}`,
  target: `10.0.0.1:${id.length}`,
})
const circuits = (open: readonly string[] = [], services: readonly string[] = []) => ({
  instances: new Map(open.map((id) => [id, 'open' as const])),
  services: new Map(services.map((name) => [name, 'open' as const])),
})
const web = serviceMetrics({
  service: 'web',
  instances: [instance('w-1', 'healthy'), instance('w-22', 'degraded'), instance('w-333', 'unhealthy')],
  window: NO_REQUESTS,
  circuits: circuits(['w-1', 'of another'], ['web']),
  connections: 1.5,
})

const statuses: readonly [healthy: number, total: number, status: string][] = [
  [0, 0, 'unknown'],
  [4, 5, 'healthy'],
  [79, 100, 'degraded'],
  [1, 2, 'degraded'],
  [49, 100, 'unhealthy'],
]
for (const [healthy, total, status] of statuses)
  test(`${healthy} healthy of ${total} is ${status}`, () => equal(nodeStatus(healthy, total), status))

test('a service counts instances by health, and the circuits that are its own and its instances’', () => {
  deepEqual([web.instance_count, web.healthy_count, web.degraded_count, web.unhealthy_count], [3, 1, 1, 1])
  equal(web.circuit_breakers_open, 2)
  equal(web.health_percentage, 33.333)
  equal(web.status, 'unhealthy')
  deepEqual([web.request_rate, web.error_rate, web.p95_latency], [0, 0, 0])
})

test('the mesh is the sum of its services, and an empty one is healthy', () => {
  const series = new RedSeries()
  for (const failed of [true, false, false, false]) series.add(20, failed, 1_000)
  const window = series.window(1_000, 0)
  const totals = { requests: 40, failures: 4 }
  const mesh = meshMetrics({ services: [web, web], window, totals, storedTraces: 7 })
  deepEqual([mesh.total_services, mesh.total_instances, mesh.healthy_instances], [2, 6, 2])
  deepEqual([mesh.total_requests, mesh.failed_requests, mesh.success_rate], [40, 4, 75])
  deepEqual([mesh.avg_latency, mesh.circuit_breakers_open, mesh.active_traces], [20, 4, 7])
  equal(mesh.health_score, 33.333)
  const none = { requests: 0, failures: 0 }
  const empty = meshMetrics({ services: [], window: NO_REQUESTS, totals: none, storedTraces: 0 })
  deepEqual([empty.health_score, empty.success_rate, empty.avg_latency], [100, 100, 0])
})

test('requests tell of an edge before spans do, and an end that is no service is unknown', () => {
  const series = new RedSeries()
  series.add(20, true, 1_000)
  const window = series.window(1_000, 0)
  const counted = [{ caller: 'web', callee: 'api', calls: 9, errors: 1, window }]
  const spans = [
    { caller: 'web', callee: 'api', calls: 1, errors: 0, p95: 5 },
    { caller: 'web', callee: 'postgres', calls: 4, errors: 1, p95: 3 },
  ]
  const { nodes, edges } = serviceGraph([web], counted, spans)
  deepEqual(
    nodes.map(({ id, status }) => [id, status]),
    [
      ['api', 'unknown'],
      ['postgres', 'unknown'],
      ['web', 'unhealthy'],
    ],
  )
  deepEqual(
    edges.map(({ source, target, calls, seen_in }) => [source, target, calls, seen_in]),
    [
      ['web', 'api', 9, 'requests'],
      ['web', 'postgres', 4, 'spans'],
    ],
  )
})

test('the history takes a sample every 10 s and keeps the last 1000', () => {
  const history = new MetricsHistory()
  const none = { requests: 0, failures: 0 }
  const read = () => meshMetrics({ services: [], window: NO_REQUESTS, totals: none, storedTraces: 0 })
  for (let ms = 0; ms <= 10_050_000; ms += 2_000) history.note(read, ms)
  equal(history.last().length, 1_000)
  equal(history.last(1)[0]!.timestamp, new Date(10_050_000).toISOString())
  equal(history.last()[0]!.timestamp, new Date(10_050_000 - 999 * 10_000).toISOString())
  deepEqual(history.last(0), [])
})

test('a clock that is put back does not stop the history', () => {
  const history = new MetricsHistory()
  const none = { requests: 0, failures: 0 }
  const read = () => meshMetrics({ services: [], window: NO_REQUESTS, totals: none, storedTraces: 0 })
  for (const ms of [1_000_000, 500_000, 510_000]) history.note(read, ms)
  equal(history.last().length, 3)
})
