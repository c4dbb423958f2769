/** Traces, latencies and bottlenecks as the API tells of them, as far as the page reads them; units as in api-shapes.ts. */

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

export interface FoundTraces {
  readonly traces: readonly TraceSummary[]
  readonly total: number
  /** When the oldest of all traces that are kept arrived; null without any. */
  readonly kept_since: string | null
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
