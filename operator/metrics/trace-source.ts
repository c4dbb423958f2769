import { z } from 'zod'

/** A trace in short. */
export const traceSummaryShape = z.object({
  trace_id: z.string(),
  root_operation: z.string(),
  start_time: z.string().meta({ description: 'RFC 3339' }),
  total_duration: z.number().meta({ description: 'ms' }),
  span_count: z.int(),
  error_count: z.int(),
  services_involved: z.array(z.string()),
  service_times: z.record(z.string(), z.number()),
  status: z.enum(['success', 'error']),
})
export type TraceSummary = z.infer<typeof traceSummaryShape>

/** Calls from one service to another, as spans tell of them. */
export interface SpanEdge {
  readonly caller: string
  readonly callee: string
  readonly calls: number
  readonly errors: number
  /** ms */
  readonly p95: number
}

/** What the dashboard wants of stored traces. */
export interface TraceSource {
  /** Newest first. */
  recentTraces(limit: number): readonly TraceSummary[]
  edges(): readonly SpanEdge[]
  /** Traces that are stored. */
  readonly size: number
}

export const NO_TRACES: TraceSource = { recentTraces: () => [], edges: () => [], size: 0 }
