/** Services and who calls whom, as `GET /dashboard` draws them. */

import { z } from 'zod'
import { nodeStatusShape, rateOf, type ServiceMetrics } from './mesh-numbers.ts'
import type { RedWindow } from './red-series.ts'
import type { SpanEdge } from './trace-source.ts'

const nodeShape = z.object({
  id: z.string(),
  label: z.string(),
  status: nodeStatusShape,
  instance_count: z.int(),
  healthy_count: z.int(),
  request_rate: z.number(),
  error_rate: z.number(),
  p95_latency: z.number(),
  circuit_breakers_open: z.int(),
})
const edgeShape = z.object({
  source: z.string(),
  target: z.string(),
  calls: z.int().meta({ description: 'since the operator was started, or in stored traces' }),
  errors: z.int(),
  request_rate: z
    .number()
    .meta({ description: 'a second, over the last minute; 0 of what only spans tell of' }),
  error_rate: z.number().meta({ description: 'percent' }),
  p95_latency: z.number().meta({ description: 'ms' }),
  seen_in: z.enum(['requests', 'spans']).meta({ description: 'every request counts, or those with a trace' }),
})
export const serviceGraphShape = z.object({ nodes: z.array(nodeShape), edges: z.array(edgeShape) })
export type ServiceGraph = z.infer<typeof serviceGraphShape>

export interface CountedEdge {
  readonly caller: string
  readonly callee: string
  readonly calls: number
  readonly errors: number
  readonly window: RedWindow
}

/**
 * What requests tell of an edge comes before what spans do, since it is of every request. An end that is no service of
 * the catalog, such as a database that spans name, is a node without instances.
 */
export function serviceGraph(
  services: readonly ServiceMetrics[],
  counted: readonly CountedEdge[],
  spans: readonly SpanEdge[],
): ServiceGraph {
  const edges = new Map<string, ServiceGraph['edges'][number]>()
  for (const { caller, callee, calls, errors, p95 } of spans) {
    edges.set(keyOf(caller, callee), {
      source: caller,
      target: callee,
      calls,
      errors,
      request_rate: 0,
      error_rate: calls === 0 ? 0 : Math.round((errors / calls) * 100_000) / 1_000,
      p95_latency: p95,
      seen_in: 'spans',
    })
  }
  for (const { caller, callee, calls, errors, window } of counted) {
    const { request_rate, error_rate, p95_latency } = rateOf(window)
    const rates = { request_rate, error_rate, p95_latency }
    edges.set(keyOf(caller, callee), {
      ...{ source: caller, target: callee, calls, errors },
      ...rates,
      seen_in: 'requests',
    })
  }
  const known = new Set(services.map(({ service_name }) => service_name))
  const others = [...edges.values()].flatMap(({ source, target }) => [source, target])
  const strange = [...new Set(others)].filter((name) => !known.has(name))
  return {
    nodes: [...services.map(nodeOf), ...strange.map(unknownNode)].sort((left, right) =>
      left.id < right.id ? -1 : 1,
    ),
    edges: [...edges.entries()].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, edge]) => edge),
  }
}

function nodeOf(service: ServiceMetrics): ServiceGraph['nodes'][number] {
  const { status, instance_count, healthy_count, request_rate, error_rate, p95_latency } = service
  return {
    ...{ id: service.service_name, label: service.service_name, status },
    ...{ instance_count, healthy_count, request_rate, error_rate, p95_latency },
    circuit_breakers_open: service.circuit_breakers_open,
  }
}

const unknownNode = (name: string): ServiceGraph['nodes'][number] => ({
  ...{ id: name, label: name, status: 'unknown' },
  ...{ instance_count: 0, healthy_count: 0, request_rate: 0, error_rate: 0, p95_latency: 0 },
  circuit_breakers_open: 0,
})

const keyOf = (caller: string, callee: string): string => `${caller}\n${callee}`
