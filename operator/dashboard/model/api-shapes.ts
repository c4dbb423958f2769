/** Answers of the API as far as the page reads them. Durations are ms, rates percent unless said, times RFC 3339. */

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

export interface Status {
  readonly version: string
  readonly mesh: string
  readonly started_at: string
  readonly dry_run: boolean
  readonly leading: boolean
  readonly leader: { readonly id: string; readonly address: string } | null
  readonly ready: boolean
  readonly reasons: readonly string[]
  readonly consul: Connection
  readonly kong: Connection & { readonly version: string | null }
  readonly proxy_url: string
  readonly last_sync: string | null
  readonly lag: { readonly last: number; readonly p50: number; readonly p95: number } | null
  readonly services: readonly ServiceReport[]
  readonly paused: readonly Paused[]
  readonly problems: readonly Problem[]
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
  readonly instance_id: string | null
  readonly state: string
  readonly mode: string
  readonly since: string | null
  readonly until: string | null
  readonly reason: string
  readonly node: string | null
}

export interface ChangedField {
  readonly field: string
  readonly from: unknown
  readonly to: unknown
}

export interface ChangedEntity {
  readonly action: 'create' | 'update' | 'delete'
  readonly kind: string
  readonly id: string
  readonly name: string
  readonly fields: readonly ChangedField[]
}

export interface Change {
  readonly id: number
  readonly time: string
  readonly node: string
  readonly service: string
  readonly reason: string
  readonly result: 'applied' | 'failed'
  readonly error: string | null
  readonly tries: number
  readonly duration: number
  readonly diff: readonly ChangedEntity[]
}

export interface Override {
  readonly entity: string
  readonly kind: string
  readonly name: string
  readonly service: string
  readonly field: string
  readonly wanted: unknown
  readonly actual: unknown
  readonly since: string | null
}

export interface SettingValue {
  readonly value: unknown
  readonly source: string
}

export interface Configuration {
  readonly defaults: Readonly<Record<string, unknown>>
  readonly services: Readonly<Record<string, Readonly<Record<string, SettingValue>>>>
  readonly refused: readonly { readonly service: string; readonly message: string }[]
}

export interface TraceSummary {
  readonly trace_id: string
  readonly root_operation: string
  readonly root_service?: string
  readonly start_time: string
  readonly total_duration: number
  readonly span_count: number
  readonly error_count: number
  readonly services_involved: readonly string[]
  readonly service_times: Readonly<Record<string, number>>
  readonly status: 'success' | 'error'
}

export type Attributes = Readonly<Record<string, string | number | boolean>>

export interface Span {
  readonly span_id: string
  readonly parent_span_id: string | null
  readonly missing_parent?: boolean
  readonly depth: number
  readonly service: string
  readonly operation: string
  readonly kind: string
  /** ms since the trace began. */
  readonly offset: number
  readonly duration: number
  readonly self_time: number
  /** ms of the critical path that are its own. */
  readonly critical_time: number
  readonly clock_shift?: number
  readonly status: string
  readonly status_message: string
  readonly is_error: boolean
  readonly attributes: Attributes
  readonly resource: Attributes
  readonly events: readonly {
    readonly offset: number
    readonly name: string
    readonly attributes: Attributes
  }[]
}

export interface Trace extends TraceSummary {
  readonly dropped_spans: number
  readonly critical_path: readonly string[]
  readonly spans: readonly Span[]
}

export interface Latency {
  readonly calls: number
  readonly errors: number
  readonly error_rate: number
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

export interface LatencyEdge extends Latency {
  readonly caller: string
  readonly callee: string
  readonly via?: string | null
}

export interface ServiceLatency extends Latency {
  readonly service: string
  readonly window_seconds: number
  readonly source: 'server' | 'client'
  readonly operations: readonly (Latency & { readonly operation: string })[]
  readonly callers: readonly LatencyEdge[]
  readonly callees: readonly LatencyEdge[]
}

export interface Bottlenecks {
  readonly window_seconds: number
  readonly traces: number
  readonly services: readonly {
    readonly service: string
    readonly self_time: number
    readonly share: number
    readonly critical_share: number
    readonly critical_share_before: number | null
  }[]
  readonly by_share: readonly BottleneckOperation[]
  readonly by_p95: readonly BottleneckOperation[]
}

export interface BottleneckOperation {
  readonly service: string
  readonly operation: string
  readonly calls: number
  readonly error_rate: number
  readonly p95: number | null
  readonly share: number
}

export interface PlannedChange {
  readonly action: 'create' | 'update' | 'delete'
  readonly kind: string
  readonly id: string
  readonly name: string
  readonly service: string
  readonly fields: Readonly<Record<string, { readonly from: unknown; readonly to: unknown }>>
}

export interface ConfigurePreview {
  readonly status: 'preview'
  readonly changes: readonly PlannedChange[]
  readonly total: number
  readonly [parameter: string]: unknown
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
