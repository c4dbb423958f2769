import type { TraceSummary } from '../traces/summarize.ts'
import type { TraceQueries } from '../traces/trace-queries.ts'

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
  /** Between services; the gateway is how they call, not whom. */
  edges(): readonly SpanEdge[]
  /** Traces that are stored. */
  readonly size: number
}

/** What the plugins call Kong in its spans. */
const GATEWAY = 'kong'

export function traceSource(queries: Pick<TraceQueries, 'search' | 'dependencies' | 'size'>): TraceSource {
  return {
    recentTraces: (limit) => queries.search({ limit }).traces,
    edges: () => {
      const rows = queries.dependencies(null).dependencies
      const gateways = new Set([GATEWAY, ...rows.flatMap(({ via }) => via ?? [])])
      return rows
        .filter(({ caller, callee }) => !gateways.has(caller) && !gateways.has(callee))
        .map(({ caller, callee, calls, errors, p95 }) => ({ caller, callee, calls, errors, p95: p95 ?? 0 }))
    },
    get size() {
      return queries.size
    },
  }
}
