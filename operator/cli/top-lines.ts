import type { AlertView } from '../alerts/alert-view.ts'
import type { ServiceMetrics } from '../metrics/mesh-numbers.ts'
import { counted } from './counted.ts'
import type { Io } from './io.ts'
import { formatTable } from './table.ts'
import { visible } from './visible.ts'

/** What `top` shows of `GET /dashboard`. */
export interface TopReport {
  readonly mesh_metrics: {
    readonly total_services: number
    readonly healthy_instances: number
    readonly total_instances: number
    readonly request_rate: number
    readonly success_rate: number
    readonly avg_latency: number
  }
  readonly services: Readonly<Record<string, ServiceMetrics>>
  readonly alerts: readonly Pick<AlertView, 'name' | 'severity' | 'state' | 'message' | 'silenced_by'>[]
}

/** Services with the worst first: without healthy instances, with open circuits, by errors, by p95, by rate. */
export function worstFirst(services: Readonly<Record<string, ServiceMetrics>>): readonly ServiceMetrics[] {
  const isDown = ({ instance_count, healthy_count }: ServiceMetrics) =>
    instance_count > 0 && healthy_count === 0 ? 1 : 0
  return Object.values(services).sort(
    (left, right) =>
      isDown(right) - isDown(left) ||
      right.circuit_breakers_open - left.circuit_breakers_open ||
      right.error_rate - left.error_rate ||
      left.health_percentage - right.health_percentage ||
      right.p95_latency - left.p95_latency ||
      right.request_rate - left.request_rate ||
      (left.service_name < right.service_name ? -1 : 1),
  )
}

/** What `top` prints for people: a table of services, and below it the mesh as a whole and what fires. */
export function topLines(report: TopReport, io: Pick<Io, 'width' | 'paint'>): string[] {
  return [...serviceLines(report, io), ...wholeLines(report, io)]
}

/** Numbers are of the last minute. */
export function serviceLines(
  { services }: Pick<TopReport, 'services'>,
  { width, paint }: Pick<Io, 'width' | 'paint'>,
): string[] {
  const columns = [
    { title: 'SERVICE', shrinks: true },
    { title: 'HEALTHY', align: 'right' as const },
    { title: 'REQ/S', align: 'right' as const },
    { title: 'ERRORS', align: 'right' as const },
    { title: 'P50 MS', align: 'right' as const },
    { title: 'P95 MS', align: 'right' as const },
    { title: 'P99 MS', align: 'right' as const },
    { title: 'IN FLIGHT', align: 'right' as const },
    { title: 'CIRCUITS' },
  ]
  const rows = worstFirst(services).map((service) => {
    const { instance_count, healthy_count, request_rate: rate, error_rate: errors } = service
    const isIdle = rate === 0
    const latency = (ms: number) => (isIdle ? '-' : String(Math.round(ms * 10) / 10))
    const open = service.circuit_breakers_open
    return [
      visible(service.service_name),
      {
        text: `${healthy_count}/${instance_count}`,
        paint:
          healthy_count === instance_count ? paint.green : healthy_count === 0 ? paint.red : paint.yellow,
      },
      String(Math.round(rate * 10) / 10),
      isIdle
        ? '-'
        : { text: `${Math.round(errors * 10) / 10} %`, ...(errors > 0 ? { paint: paint.red } : {}) },
      latency(service.p50_latency),
      latency(service.p95_latency),
      latency(service.p99_latency),
      String(Math.round(service.active_connections * 10) / 10),
      open === 0 ? 'closed' : { text: `${open} open`, paint: paint.red },
    ]
  })
  return formatTable(columns, rows, { width: width(), heading: paint.dim })
}

/** @param mostAlerts that are told one by one; of more there is the number */
export function wholeLines(
  { mesh_metrics: mesh, alerts }: Pick<TopReport, 'mesh_metrics' | 'alerts'>,
  { paint }: Pick<Io, 'paint'>,
  mostAlerts = Number.POSITIVE_INFINITY,
): string[] {
  const firing = alerts.filter(({ state, silenced_by }) => state === 'firing' && silenced_by.length === 0)
  const whole =
    mesh.request_rate === 0
      ? 'no requests in the last minute'
      : `${Math.round(mesh.request_rate * 10) / 10} req/s, ${mesh.success_rate} % fine, ${Math.round(mesh.avg_latency)} ms on average`
  return [
    '',
    `${counted(mesh.total_services, 'service')}, ${mesh.healthy_instances} of ${mesh.total_instances} instances healthy, ${whole}.`,
    ...firing
      .slice(0, mostAlerts)
      .map(({ severity, name, message }) =>
        (severity === 'critical' ? paint.red : paint.yellow)(visible(`${severity} ${name}: ${message}`)),
      ),
    ...(firing.length > mostAlerts
      ? [`${firing.length - mostAlerts} more alerts: kongsul top -o json has all`]
      : []),
  ]
}
