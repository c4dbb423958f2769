// A mesh of any size as the API tells of it, for pages that a real mesh on one machine cannot show. The same each time.
import type {
  Alert,
  Dashboard,
  HistorySample,
  ServiceMetrics,
  Status,
} from '../../operator/dashboard/model/api-shapes.ts'
import type { Change, Configuration, Override, Split } from '../../operator/dashboard/model/change-shapes.ts'
import type { FoundTraces, Span, Trace } from '../../operator/dashboard/model/trace-shapes.ts'

export interface MeshSize {
  readonly services: number
  /** Every so many-th service fails. 0: none. */
  readonly failingEvery?: number
  /** The newest sample, epoch ms. */
  readonly nowMs?: number
  readonly samples?: number
  /** Added to the rates: another number, another answer. */
  readonly turn?: number
}

export interface MeshAnswers {
  readonly dashboard: Dashboard
  readonly status: Status
}

const WORDS = ['cart', 'orders', 'users', 'search', 'media', 'billing', 'stock', 'mail', 'audit', 'login']
const KINDS = ['api', 'worker', 'store', 'cache', 'feed']

export function nameOf(index: number): string {
  const word = WORDS[index % WORDS.length]!
  const kind = KINDS[Math.floor(index / WORDS.length) % KINDS.length]!
  const block = WORDS.length * KINDS.length
  return index < block ? `${word}-${kind}` : `${word}-${kind}-${Math.floor(index / block)}`
}

export function meshAnswers({
  services: many,
  failingEvery = 0,
  nowMs = Date.now(),
  samples = 90,
  turn = 0,
}: MeshSize): MeshAnswers {
  const names = Array.from({ length: many }, (_, index) => nameOf(index))
  const services = Object.fromEntries(
    names.map((name, index) => [name, metricsOf(name, index, failingEvery, turn)]),
  )
  const all = Object.values(services)
  const sum = (read: (each: ServiceMetrics) => number) => all.reduce((total, each) => total + read(each), 0)
  const instances = sum((each) => each.instance_count)
  const healthy = sum((each) => each.healthy_count)
  const mesh = {
    total_services: many,
    total_instances: instances,
    healthy_instances: healthy,
    degraded_instances: sum((each) => each.degraded_count),
    unhealthy_instances: sum((each) => each.unhealthy_count),
    total_requests: 120_000 + turn,
    failed_requests: failingEvery === 0 ? 0 : 640,
    request_rate: sum((each) => each.request_rate),
    avg_latency: 34.5,
    circuit_breakers_open: sum((each) => each.circuit_breakers_open),
    active_traces: 40,
    health_score: instances === 0 ? 100 : (100 * healthy) / instances,
    success_rate: failingEvery === 0 ? 100 : 97.4,
  }
  const dashboard: Dashboard = {
    timestamp: new Date(nowMs).toISOString(),
    mesh_metrics: mesh,
    services,
    service_graph: {
      nodes: all.map((each) => ({
        id: each.service_name,
        label: each.service_name,
        status: each.healthy_count === 0 ? 'unhealthy' : 'healthy',
        instance_count: each.instance_count,
        healthy_count: each.healthy_count,
        request_rate: each.request_rate,
        error_rate: each.error_rate,
        p95_latency: each.p95_latency,
        circuit_breakers_open: each.circuit_breakers_open,
      })),
      edges: names.flatMap((source, index) =>
        [2 * index + 1, 2 * index + 2]
          .filter((target) => target < many)
          .map((target) => ({
            source,
            target: names[target]!,
            calls: 400 + target,
            errors: 0,
            request_rate: services[names[target]!]!.request_rate,
            error_rate: services[names[target]!]!.error_rate,
            p95_latency: 21,
            seen_in: 'requests' as const,
          })),
      ),
    },
    alerts: all.filter((each) => each.healthy_count === 0).map((each) => alertOf(each, nowMs)),
    metrics_history: Array.from({ length: samples }, (_, index): HistorySample => {
      const wave = Math.sin(index / 9)
      return {
        ...mesh,
        timestamp: new Date(nowMs - (samples - 1 - index) * 10_000).toISOString(),
        request_rate: mesh.request_rate * (1 + wave / 4),
        avg_latency: 34 + 6 * wave,
      }
    }),
  }
  return { dashboard, status: statusOf(nowMs) }
}

function metricsOf(name: string, index: number, failingEvery: number, turn: number): ServiceMetrics {
  const isFailing = failingEvery > 0 && index % failingEvery === failingEvery - 1
  const isWarned = failingEvery > 0 && index % failingEvery === 1
  const isIdle = index % 17 === 16
  const total = 1 + (index % 4)
  const healthy = isFailing ? 0 : total
  return {
    service_name: name,
    status: isFailing ? 'unhealthy' : 'healthy',
    instance_count: total,
    healthy_count: healthy,
    degraded_count: 0,
    unhealthy_count: total - healthy,
    request_rate: isIdle ? 0 : ((index * 7 + turn) % 90) + 0.5,
    error_rate: isIdle ? 0 : isFailing ? 64 : isWarned ? 2.4 : 0,
    p50_latency: 8 + (index % 20),
    p95_latency: 30 + (index % 60),
    p99_latency: 80 + (index % 200),
    circuit_breakers_open: isFailing ? 1 : 0,
    active_connections: 0.4,
    health_percentage: (100 * healthy) / total,
  }
}

function alertOf({ service_name: name, instance_count: total }: ServiceMetrics, nowMs: number): Alert {
  return {
    id: `MeshServiceDown/${name}`,
    name: 'MeshServiceDown',
    severity: 'critical',
    state: 'firing',
    service_name: name,
    message: `0 of ${total} instances of ${name} are healthy`,
    value: 0,
    threshold: 0,
    since: new Date(nowMs - 240_000).toISOString(),
    silenced_by: [],
    runbook: '',
  }
}

export function statusOf(nowMs: number): Status {
  return {
    version: '0.1.0',
    mesh: 'default',
    started_at: new Date(nowMs - 3_600_000).toISOString(),
    dry_run: false,
    leading: true,
    leader: { id: 'operator-1', address: '127.0.0.1:8080' },
    ready: true,
    reasons: [],
    consul: { url: 'http://127.0.0.1:8500', connected: true, error: null, datacenter: 'dc1' },
    kong: { url: 'http://127.0.0.1:8001', connected: true, error: null, version: '3.9.1' },
    proxy_url: 'http://127.0.0.1:8000',
    links: { grafana: 'http://127.0.0.1:3000', prometheus: 'http://127.0.0.1:9090', jaeger: null },
    last_sync: new Date(nowMs - 60_000).toISOString(),
    lag: { last: 12, p50: 14, p95: 31 },
    services: [],
    paused: [],
    problems: [],
    failing: [],
  }
}

/** Status with one service in it, as `?service=` answers. */
export function statusWith(
  name: string,
  { healthy_count, instance_count }: ServiceMetrics,
  nowMs: number,
): Status {
  return {
    ...statusOf(nowMs),
    services: [
      {
        service: name,
        exposed: true,
        exposureReason: 'expose.default: all',
        hosts: [`${name}.mesh`],
        paths: [`/${name}/`],
        strategy: 'round_robin',
        keptAtLastWeights: false,
        state: 'in_sync',
        instances: Array.from({ length: instance_count }, (_, index) => ({
          id: `${name}-${index + 1}`,
          node: 'node-1',
          target: `10.0.0.${index + 1}:9000`,
          health: index < healthy_count ? 'healthy' : 'unhealthy',
          weight: index < healthy_count ? 100 : 0,
          reason:
            index < healthy_count ? '2 of 2 checks passing' : 'check “http” is critical: connection refused',
        })),
      },
    ],
  }
}

export const changesOf = (nowMs: number, many = 6): { changes: readonly Change[]; total: number } => ({
  total: many,
  changes: Array.from({ length: many }, (_, index) => ({
    id: many - index,
    time: new Date(nowMs - index * 20_000).toISOString(),
    node: 'http://127.0.0.1:8001',
    service: nameOf(index),
    reason: 'instance registered',
    result: index === 1 ? ('failed' as const) : ('applied' as const),
    error: index === 1 ? 'KONG_REJECTED: PUT /upstreams answered 400' : null,
    tries: 1,
    duration: 12.5,
    diff: [
      {
        action: 'update' as const,
        kind: 'target',
        id: `target-${index}`,
        name: '10.0.0.1:9000',
        fields: [{ field: 'weight', from: 100, to: 0 }],
      },
    ],
  })),
})

export const overridesOf = (nowMs: number): { overrides: readonly Override[]; total: number } => ({
  total: 1,
  overrides: [
    {
      entity: '6f28ba92-1191-5ed5-ba38-13805a44ed06',
      kind: 'service',
      name: `mesh.${nameOf(0)}`,
      service: nameOf(0),
      field: 'read_timeout',
      wanted: 60_000,
      actual: 1_234,
      since: new Date(nowMs - 7_200_000).toISOString(),
    },
  ],
})

export const configurationOf = (name: string): Configuration => ({
  defaults: { 'loadBalancing.strategy': 'round_robin', 'circuitBreaker.mode': 'auto', retries: 3 },
  defaults_sources: {
    'loadBalancing.strategy': 'built-in',
    'circuitBreaker.mode': 'built-in',
    retries: 'mesh/defaults',
  },
  services: {
    [name]: {
      'loadBalancing.strategy': { value: 'least_connections', source: `mesh/services/${name}` },
      'circuitBreaker.mode': { value: 'auto', source: 'built-in' },
      'circuitBreaker.consecutiveFailures': { value: 5, source: 'built-in' },
      'tracing.enabled': { value: true, source: 'built-in' },
      retries: { value: 3, source: 'mesh/defaults' },
    },
  },
  refused: [],
})

export const splitsOf = (service: string): { splits: readonly Split[]; total: number } => ({
  total: 1,
  splits: [
    {
      service,
      index: 12,
      legs: [
        { service, subset: 'v1', weight: 90 },
        { service, subset: 'v2', weight: 10 },
      ],
    },
  ],
})

export const canariesOf = (service: string, nowMs: number) => ({
  total: 1,
  canaries: [
    {
      ...{
        id: '5f0c2a52',
        service,
        to: 'v2',
        state: 'running' as const,
        step: 2,
        steps: [5, 25, 100],
        weight: 25,
      },
      decision: 'good so far: 0.2 % of 480 requests failed, p95 38 ms; judged in 40 s',
      ...{ every: 120_000, max_error_rate: 1, max_p95: 400, min_requests: 20 },
      ...{ requests: 480, failures: 1, error_rate: 1 / 4.8, p95: 38, by: 'ada' },
      started_at: new Date(nowMs - 200_000).toISOString(),
      since: new Date(nowMs - 80_000).toISOString(),
    },
  ],
})

export const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'

export const tracesOf = (nowMs: number): FoundTraces => {
  const { spans: _spans, critical_path: _path, dropped_spans: _dropped, ...summary } = traceOf(nowMs)
  return { traces: [summary], total: 1, kept_since: new Date(nowMs - 7 * 60_000).toISOString() }
}

export function traceOf(nowMs: number, attributes: Span['attributes'] = {}): Trace {
  const span = (
    id: string,
    depth: number,
    offset: number,
    duration: number,
    over: Partial<Span> = {},
  ): Span => ({
    span_id: id,
    parent_span_id: depth === 0 ? null : '01',
    depth,
    service: depth === 0 ? 'kong' : nameOf(depth),
    operation: `GET /${id}`,
    kind: 'server',
    offset,
    duration,
    self_time: duration / 2,
    critical_time: duration / 2,
    status: 'unset',
    status_message: '',
    is_error: false,
    attributes: { 'http.request.method': 'GET', ...attributes },
    resource: { 'service.name': nameOf(depth) },
    events: [],
    ...over,
  })
  return {
    trace_id: TRACE_ID,
    root_operation: 'GET web.mesh',
    root_service: 'kong',
    start_time: new Date(nowMs - 30_000).toISOString(),
    total_duration: 120,
    span_count: 3,
    error_count: 1,
    services_involved: ['kong', nameOf(1), nameOf(2)],
    service_times: {},
    status: 'error',
    dropped_spans: 0,
    critical_path: ['01', '02'],
    spans: [
      span('01', 0, 0, 120),
      span('02', 1, 10, 90),
      span('03', 2, 30, 40, { is_error: true, status: 'error', status_message: 'connection refused' }),
    ],
  }
}
