import type { Registry } from 'prom-client'
import { readMetric } from '../../plugins/export/read-metrics.ts'
import type { TraceCollector } from './trace-collector.ts'

const RESULTS = {
  kept: 'kept',
  duplicate: 'duplicate',
  late: 'late',
  over_limit: 'overLimit',
  rejected: 'rejected',
} as const
const CUT = {
  attributes: 'attributesDropped',
  values: 'valuesCut',
  events: 'eventsDropped',
  links: 'linksDropped',
  not_utf8: 'notUtf8',
} as const

/** Registers what the collector and its store say of themselves; read when somebody asks. */
export function registerTraceMetrics(
  registry: Registry,
  { store, counts }: Pick<TraceCollector, 'store' | 'counts'>,
  nowMs: () => number = Date.now,
): void {
  readMetric(
    registry,
    'mesh_trace_spans_received_total',
    ['result'],
    'Spans received: kept, duplicate, late (of a trace that has gone), over_limit (of their trace), rejected (no ids or times).',
    (add) => {
      for (const [result, name] of Object.entries(RESULTS)) add(counts[name], { result })
    },
  )
  readMetric(
    registry,
    'mesh_trace_requests_total',
    ['encoding'],
    'Bodies of OTLP that were read, by encoding.',
    (add) => {
      for (const encoding of ['json', 'protobuf'] as const) add(counts.requests[encoding], { encoding })
    },
  )
  readMetric(
    registry,
    'mesh_trace_requests_malformed_total',
    [],
    'Bodies that were no request of OTLP.',
    (add) => add(counts.malformed),
  )
  readMetric(
    registry,
    'mesh_trace_parts_cut_total',
    ['what'],
    'Parts of spans beyond their bounds, and texts that were no UTF-8.',
    (add) => {
      for (const [what, name] of Object.entries(CUT)) add(counts.notes[name], { what })
    },
  )
  readMetric(
    registry,
    'mesh_trace_odd_claims_total',
    ['what'],
    'Spans kept whose times cannot be (none, an end before the start, a day ahead), or whose parents make a circle.',
    (add) => {
      for (const what of ['times', 'circles'] as const) add(store.odd[what], { what })
    },
  )
  readMetric(registry, 'mesh_traces', [], 'Traces that are kept.', (add) => add(store.traceCount))
  readMetric(
    registry,
    'mesh_traces_reserved',
    [],
    'Traces that are kept beyond their time: with errors, or slow.',
    (add) => add(store.reservedCount),
  )
  readMetric(registry, 'mesh_trace_spans', [], 'Spans that are kept.', (add) => add(store.spanCount))
  readMetric(registry, 'mesh_trace_bytes', [], 'What is kept, by estimate.', (add) => add(store.bytes))
  readMetric(registry, 'mesh_traces_evicted_total', [], 'Traces that made room for others.', (add) =>
    add(store.evicted),
  )
  readMetric(
    registry,
    'mesh_trace_kept_seconds',
    [],
    'How long ago the oldest of the traces that are kept arrived.',
    (add) => add(store.oldestMs === null ? 0 : Math.max(0, (nowMs() - store.oldestMs) / 1_000)),
  )
}
