/**
 * The mesh as the API tells of it, as far as the page reads it: numbers, graph, alerts, status. Durations are ms, rates percent
 * unless said, times RFC 3339. That the operator answers so is compiled in test/unit/dashboard/api-shapes.test.ts.
 */

export type NodeStatus = 'healthy' | 'degraded' | 'unhealthy' | 'unknown'
export type CircuitState = 'closed' | 'open' | 'half_open'

export interface MeshMetrics {
  readonly total_services: number
  readonly total_instances: number
  readonly healthy_instances: number
  readonly degraded_instances: number
  readonly unhealthy_instances: number
  readonly total_requests: number
  readonly failed_requests: number
  /** A second. */
  readonly request_rate: number
  readonly avg_latency: number
  readonly circuit_breakers_open: number
  readonly active_traces: number
  readonly health_score: number
  readonly success_rate: number
}

export interface HistorySample extends MeshMetrics {
  readonly timestamp: string
}

export interface ServiceMetrics {
  readonly service_name: string
  readonly status?: NodeStatus
  readonly instance_count: number
  readonly healthy_count: number
  readonly degraded_count: number
  readonly unhealthy_count: number
  /** A second. */
  readonly request_rate: number
  readonly error_rate: number
  readonly p50_latency: number
  readonly p95_latency: number
  readonly p99_latency: number
  readonly circuit_breakers_open: number
  readonly active_connections: number
  readonly health_percentage: number
}

export interface InstanceMetrics {
  readonly id: string
  readonly address: string
  readonly state: NodeStatus
  readonly circuit_breaker: CircuitState
  readonly active_connections: number
  readonly request_rate: number
  readonly error_rate: number
  readonly p95_latency: number
}

export interface ServiceNumbers extends ServiceMetrics {
  readonly timestamp: string
  readonly instances: readonly InstanceMetrics[]
}

export interface GraphNode {
  readonly id: string
  readonly label: string
  readonly status: NodeStatus
  readonly instance_count: number
  readonly healthy_count: number
  readonly request_rate: number
  readonly error_rate: number
  readonly p95_latency: number
  readonly circuit_breakers_open: number
}

export interface GraphEdge {
  readonly source: string
  readonly target: string
  /** Since the operator was started, or in stored traces. */
  readonly calls: number
  readonly errors: number
  readonly request_rate: number
  readonly error_rate: number
  readonly p95_latency: number
  readonly seen_in?: 'requests' | 'spans'
}

export interface ServiceGraph {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
}

export type Severity = 'critical' | 'warning'

export interface Alert {
  readonly id: string
  readonly name: string
  readonly severity: Severity
  readonly state: 'pending' | 'firing' | 'resolved'
  readonly service_name: string | null
  readonly message: string
  readonly value: number | null
  readonly threshold: number | null
  readonly since: string
  readonly silenced_by: readonly string[]
  readonly runbook: string
}

export interface Dashboard {
  readonly timestamp: string
  readonly mesh_metrics: MeshMetrics
  readonly services: Readonly<Record<string, ServiceMetrics>>
  readonly service_graph: ServiceGraph
  readonly alerts: readonly Alert[]
  readonly metrics_history: readonly HistorySample[]
}

export interface Problem {
  readonly code: string
  readonly severity: 'info' | 'warning' | 'error'
  /** '' for the mesh as a whole. */
  readonly service: string
  readonly message: string
}

export interface Connection {
  readonly url: string
  readonly connected: boolean
  readonly error: string | null
}

export interface InstanceReport {
  readonly id: string
  readonly node: string
  readonly target: string
  readonly health: NodeStatus
  readonly weight: number
  readonly reason: string
}

export interface ServiceReport {
  readonly service: string
  readonly exposed: boolean
  readonly exposureReason: string
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
  readonly strategy: string
  readonly keptAtLastWeights: boolean
  readonly instances: readonly InstanceReport[]
  readonly state: 'in_sync' | 'pending' | 'failing' | 'paused'
}

export interface Paused {
  /** `*` is the whole mesh. */
  readonly service: string
  readonly reason: string
  readonly by: string
  readonly until: string | null
}

/** Whom a service lets in. */
export interface IntentionRow {
  readonly service: string
  readonly lets: 'all' | 'only' | 'except' | 'unknown'
  readonly callers: readonly string[]
  readonly enforced: boolean
  readonly note: string
}

export interface Status {
  readonly version: string
  readonly mesh: string
  readonly started_at: string
  readonly dry_run: boolean
  readonly leading: boolean
  readonly leader: { readonly id: string; readonly address: string | null } | null
  readonly ready: boolean
  readonly reasons: readonly string[]
  readonly consul: Connection & { readonly datacenter: string | null }
  readonly kong: Connection & { readonly version: string | null }
  readonly proxy_url: string
  readonly links: {
    readonly grafana: string | null
    readonly prometheus: string | null
    readonly jaeger: string | null
  }
  readonly last_sync: string | null
  readonly lag: { readonly last: number; readonly p50: number; readonly p95: number } | null
  readonly services: readonly ServiceReport[]
  readonly paused: readonly Paused[]
  readonly problems: readonly Problem[]
  readonly intentions?: { readonly services: readonly IntentionRow[] }
  readonly failing: readonly {
    readonly service: string
    readonly attempt: number
    readonly message: string
  }[]
}

export interface Circuit {
  readonly kind: 'service' | 'instance'
  readonly service: string
  readonly target: string | null
  /** `ip:port`, where the target is a host name. */
  readonly address: string | null
  readonly instance_id: string | null
  readonly state: string
  readonly mode: string
  readonly since: string | null
  readonly until: string | null
  readonly reason: string
  readonly node: string | null
}

/** The sole names of a mesh without numbers: `GET /services`. */
export interface ListedService {
  readonly service_name: string
  readonly total: number
  readonly healthy: number
  readonly degraded: number
  readonly unhealthy: number
  readonly exposed: boolean
}

export interface Topology {
  readonly services: Readonly<Record<string, { readonly total: number; readonly healthy: number }>>
  readonly service_circuits: Readonly<Record<string, CircuitState>>
  readonly dependencies: Readonly<Record<string, readonly string[]>>
}
