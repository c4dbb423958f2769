/** The mesh and its services in numbers, as `GET /dashboard` has them. All of the last minute where not said otherwise. */

import { z } from 'zod'
import type { CircuitStates } from '../api/circuit-states.ts'
import { countHealth, type MeshInstance } from '../api/mesh-services.ts'
import { NO_REQUESTS, type RedWindow } from './red-series.ts'

const NODE_STATUSES = ['healthy', 'degraded', 'unhealthy', 'unknown'] as const
export type NodeStatus = (typeof NODE_STATUSES)[number]
export const nodeStatusShape = z
  .enum(NODE_STATUSES)
  .meta({ description: 'healthy: 80 % of the instances and more; degraded: 50 %; unknown: there is none' })

const ms = z.number().meta({ description: 'ms' })
const percent = z.number().min(0).max(100).meta({ description: 'percent' })

export const meshMetricsShape = z.object({
  total_services: z.int(),
  total_instances: z.int(),
  healthy_instances: z.int(),
  unhealthy_instances: z.int(),
  degraded_instances: z.int(),
  total_requests: z.int().meta({ description: 'since the operator was started' }),
  failed_requests: z.int().meta({ description: 'since the operator was started' }),
  request_rate: z.number().meta({ description: 'requests a second' }),
  avg_latency: ms,
  circuit_breakers_open: z.int(),
  active_traces: z.int().meta({ description: 'traces that are stored' }),
  health_score: percent,
  success_rate: percent.meta({ description: 'percent; 100 where there was no request, see request_rate' }),
})
export type MeshMetrics = z.infer<typeof meshMetricsShape>

export const serviceMetricsShape = z.object({
  service_name: z.string(),
  status: nodeStatusShape,
  instance_count: z.int(),
  healthy_count: z.int(),
  unhealthy_count: z.int(),
  degraded_count: z.int(),
  request_rate: z.number().meta({ description: 'requests a second' }),
  error_rate: percent,
  p50_latency: ms,
  p95_latency: ms,
  p99_latency: ms,
  circuit_breakers_open: z.int().meta({ description: 'its own and those of its instances' }),
  active_connections: z.number().meta({ description: 'requests in flight, on average of the last 10 s' }),
  health_percentage: percent,
})
export type ServiceMetrics = z.infer<typeof serviceMetricsShape>

export interface ServiceInput {
  readonly service: string
  readonly instances: readonly MeshInstance[]
  readonly window: RedWindow
  readonly circuits: CircuitStates
  readonly connections: number
}

export function serviceMetrics({
  service,
  instances,
  window,
  circuits,
  connections,
}: ServiceInput): ServiceMetrics {
  const { total, healthy, degraded, unhealthy } = countHealth(instances)
  const open = instances.filter(({ id }) => circuits.instances.get(id) === 'open').length
  const own = circuits.services.get(service) === 'open' ? 1 : 0
  return {
    service_name: service,
    status: nodeStatus(healthy, total),
    instance_count: total,
    healthy_count: healthy,
    unhealthy_count: unhealthy,
    degraded_count: degraded,
    ...rateOf(window),
    circuit_breakers_open: open + own,
    active_connections: round(connections),
    health_percentage: total === 0 ? 0 : round((healthy / total) * 100),
  }
}

/** Rate, errors and percentiles of a window, rounded for people. */
export function rateOf({ rate, errorRate, latency }: RedWindow) {
  return {
    request_rate: round(rate),
    error_rate: round(errorRate),
    p50_latency: round(latency.percentile(50) ?? 0),
    p95_latency: round(latency.percentile(95) ?? 0),
    p99_latency: round(latency.percentile(99) ?? 0),
  }
}

export interface MeshInput {
  readonly services: readonly ServiceMetrics[]
  readonly window: RedWindow
  /** Since the start. */
  readonly totals: { readonly requests: number; readonly failures: number }
  readonly storedTraces: number
}

/** An empty mesh is a healthy one. */
export function meshMetrics({ services, window, totals, storedTraces }: MeshInput): MeshMetrics {
  const sum = (read: (service: ServiceMetrics) => number) =>
    services.reduce((total, each) => total + read(each), 0)
  const instances = sum((each) => each.instance_count)
  const healthy = sum((each) => each.healthy_count)
  return {
    total_services: services.length,
    total_instances: instances,
    healthy_instances: healthy,
    unhealthy_instances: sum((each) => each.unhealthy_count),
    degraded_instances: sum((each) => each.degraded_count),
    total_requests: totals.requests,
    failed_requests: totals.failures,
    request_rate: round(window.rate),
    avg_latency: round(window.latency.meanMs),
    circuit_breakers_open: sum((each) => each.circuit_breakers_open),
    active_traces: storedTraces,
    health_score: instances === 0 ? 100 : round((healthy / instances) * 100),
    success_rate: window === NO_REQUESTS ? 100 : round(100 - window.errorRate),
  }
}

export function nodeStatus(healthy: number, total: number): NodeStatus {
  if (total === 0) return 'unknown'
  const share = healthy / total
  return share >= 0.8 ? 'healthy' : share >= 0.5 ? 'degraded' : 'unhealthy'
}

const round = (value: number): number => Math.round(value * 1_000) / 1_000
