import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { alertShape } from '../alerts/alert-view.ts'
import { meshMetricsShape, serviceMetricsShape } from '../metrics/mesh-numbers.ts'
import { historySampleShape, MOST_SAMPLES } from '../metrics/metrics-history.ts'
import { serviceGraphShape } from '../metrics/service-graph.ts'
import { summaryShape } from '../traces/summarize.ts'
import { endpoint, V2 } from './endpoint.ts'
import { serviceField, wholeNumber } from './read-fields.ts'
import { notReadYet } from './request-error.ts'
import { unknownService } from './unknown-service.ts'

export const dashboardShape = z.object({
  timestamp: z.iso.datetime(),
  mesh_metrics: meshMetricsShape,
  services: z.record(z.string(), serviceMetricsShape),
  service_graph: serviceGraphShape,
  recent_traces: z.array(summaryShape),
  alerts: z.array(alertShape),
  metrics_history: z.array(historySampleShape),
})
export type Dashboard = z.infer<typeof dashboardShape>

export const serviceNumbersShape = serviceMetricsShape.extend({
  timestamp: z.iso.datetime(),
  instances: z.array(
    z.object({
      id: z.string(),
      address: z.string(),
      state: z.enum(['healthy', 'degraded', 'unhealthy']),
      circuit_breaker: z.enum(['closed', 'open', 'half_open']),
      active_connections: z.number(),
      request_rate: z.number(),
      error_rate: z.number(),
      p50_latency: z.number(),
      p95_latency: z.number(),
      p99_latency: z.number(),
    }),
  ),
})
export type ServiceNumbers = z.infer<typeof serviceNumbersShape>

export interface DashboardSource {
  /** Has Consul been read? */
  isRead(): boolean
  /** null until Consul has been read. */
  dashboard(samples: number): Dashboard | null
  /** null for a service that is not in the mesh. */
  service(name: string): ServiceNumbers | null
  /** Those in the mesh. */
  services(): Iterable<string>
}

/** `GET /dashboard` and `GET /services/{service}/metrics`. */
export const dashboardRoute =
  (source: DashboardSource) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'GET',
      path: `${V2}/dashboard`,
      summary:
        'All that the dashboard shows. Numbers are of the last minute; history is one sample every 10 s, oldest first.',
      door: 'read',
      query: { history: wholeNumber(0, MOST_SAMPLES).optional() },
      answer: dashboardShape,
      errors: [503],
      example: { query: { history: '60' } },
      handle: ({ query: { history = MOST_SAMPLES } }) => {
        const told = source.dashboard(history)
        if (told === null) throw notReadYet()
        return told
      },
    })
    endpoint(app, {
      method: 'GET',
      path: `${V2}/services/:service/metrics`,
      summary: 'Rate, errors and durations of a service and of each of its instances, over the last minute.',
      door: 'read',
      params: { service: serviceField },
      answer: serviceNumbersShape,
      errors: [404, 503],
      example: { params: { service: 'web' } },
      handle: ({ params: { service } }) => {
        if (!source.isRead()) throw notReadYet()
        const told = source.service(service)
        if (told === null) throw unknownService(service, source.services(), 'mesh')
        return told
      },
    })
  }
