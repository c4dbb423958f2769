import type { SpanView, TraceView } from '../traces/trace-view.ts'
import { formatTable } from './table.ts'
import { visible } from './visible.ts'

export interface Painter {
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly cyan: (text: string) => string
}

const MOST_BAR_CHARS = 32
const LEAST_BAR_CHARS = 10
/** Attributes worth a place beside a span, the first that it has. */
const TOLD = [
  'http.response.status_code',
  'rpc.grpc.status_code',
  'error.type',
  'db.system.name',
  'db.system',
]

/** A trace for the terminal: the tree of its spans, and beside it when each was under way. */
export function waterfall(
  trace: TraceView,
  { width, paint }: { readonly width: number; readonly paint: Painter },
): string[] {
  const head = [
    `trace ${trace.trace_id}, ${trace.start_time}: ${trace.total_duration.toFixed(1)} ms, ` +
      `${trace.span_count} spans, ${trace.error_count} errors`,
    ...(trace.dropped_spans > 0 ? [`${trace.dropped_spans} spans more found no room`] : []),
    '',
  ]
  const columns = [
    { title: 'SPAN', shrinks: true },
    { title: '' },
    { title: 'DURATION', align: 'right' as const },
    { title: 'SELF', align: 'right' as const },
    { title: '', shrinks: true, mayGo: true },
  ]
  const chars = Math.max(LEAST_BAR_CHARS, Math.min(MOST_BAR_CHARS, Math.floor(width / 5)))
  const rows = trace.spans.map((span) => [
    { text: nameOf(span), ...(span.is_error ? { paint: paint.red } : {}) },
    { text: bar(span, trace.total_duration, chars), paint: span.is_error ? paint.red : paint.cyan },
    `${span.duration.toFixed(1)} ms`,
    `${span.self_time.toFixed(1)} ms`,
    { text: notes(span), paint: paint.dim },
  ])
  const times = Object.entries(trace.service_times)
    .sort(([, left], [, right]) => right - left)
    .map(([service, ms]) => `${visible(service)} ${ms.toFixed(1)} ms`)
  return [
    ...head,
    ...formatTable(columns, rows, { width, heading: paint.dim }),
    '',
    `own time: ${times.join(', ')}`,
  ]
}

function nameOf({ depth, service, operation, kind }: SpanView): string {
  const indent = '  '.repeat(Math.min(depth, 20))
  const kindShown = kind === 'client' || kind === 'producer' ? '→ ' : ''
  return visible(`${indent}${kindShown}${service} ${operation}`)
}

/** As wide as the whole trace; its part on the critical path is full. */
function bar({ offset, duration, critical_time }: SpanView, totalMs: number, chars: number): string {
  const scale = totalMs > 0 ? chars / totalMs : 0
  const from = Math.min(chars - 1, Math.floor(Math.max(0, offset) * scale))
  const length = Math.max(1, Math.min(chars - from, Math.round(duration * scale)))
  const full = critical_time > 0 ? Math.max(1, Math.min(length, Math.round(critical_time * scale))) : 0
  return `${' '.repeat(from)}${'█'.repeat(full)}${'░'.repeat(length - full)}`.padEnd(chars)
}

function notes(span: SpanView): string {
  const key = TOLD.find((each) => span.attributes[each] !== undefined)
  const instance = span.attributes['mesh.instance']
  return visible(
    [
      ...(key === undefined ? [] : [String(span.attributes[key])]),
      ...(instance === undefined ? [] : [String(instance)]),
      ...(span.status_message === '' ? [] : [span.status_message]),
      ...(span.missing_parent ? ['its parent is missing'] : []),
      ...(span.clock_shift === 0 ? [] : [`clock off by ${(-span.clock_shift).toFixed(1)} ms`]),
    ].join('  '),
  )
}
