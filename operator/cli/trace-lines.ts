import type { TraceSummary } from '../traces/summarize.ts'
import { formatTable } from './table.ts'
import { visible } from './visible.ts'
import type { Painter } from './waterfall.ts'

/** From here on there is room for times as RFC 3339 has them; below, for month to second in UTC. */
const WIDE_CHARS = 110

/** The table that `traces` prints for people. An id is never cut: it is what the next command is given. */
export function traceLines(
  traces: readonly TraceSummary[],
  { width, paint }: { readonly width: number; readonly paint: Painter },
): string[] {
  const started = (time: string): string =>
    width >= WIDE_CHARS ? time : time.slice('2026-'.length, '2026-01-02T03:04:05'.length).replace('T', ' ')
  const columns = [
    { title: 'STARTED' },
    { title: 'TRACE' },
    { title: 'DURATION', align: 'right' as const },
    { title: 'SPANS', align: 'right' as const, mayGo: true },
    { title: 'ERRORS', align: 'right' as const },
    { title: 'OPERATION', shrinks: true },
    { title: 'SERVICES', shrinks: true, mayGo: true },
  ]
  const rows = traces.map((trace) => [
    started(trace.start_time),
    trace.trace_id,
    `${trace.total_duration.toFixed(1)} ms`,
    String(trace.span_count),
    trace.error_count > 0 ? { text: String(trace.error_count), paint: paint.red } : '0',
    visible(`${trace.root_service} ${trace.root_operation}`),
    visible(trace.services_involved.join(' ')),
  ])
  return formatTable(columns, rows, { width, heading: paint.dim })
}
