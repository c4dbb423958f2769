import type { TraceSummary } from '../traces/summarize.ts'
import { formatTable } from './table.ts'
import { visible } from './visible.ts'
import type { Painter } from './waterfall.ts'

/** From here on there is room for times as RFC 3339 has them. */
const WIDE_CHARS = 130

/** The table that `traces` prints for people. An id is never cut: it is what the next command is given. */
export function traceLines(
  traces: readonly TraceSummary[],
  { width, paint }: { readonly width: number; readonly paint: Painter },
): string[] {
  const started = timesOf(traces, width)
  const columns = [
    { title: 'STARTED' },
    { title: 'TRACE' },
    { title: 'DURATION', align: 'right' as const },
    { title: 'SPANS', align: 'right' as const, mayGo: true },
    { title: 'ERRORS', align: 'right' as const },
    { title: 'OPERATION', shrinks: true, least: 17 },
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

/** In UTC: as RFC 3339 where there is room; else to the second, with the date where they are not all of one day. */
function timesOf(traces: readonly TraceSummary[], width: number): (time: string) => string {
  if (width >= WIDE_CHARS) return (time) => time
  const days = new Set(traces.map(({ start_time }) => start_time.slice(0, DAY_CHARS)))
  const from = days.size > 1 ? YEAR_CHARS : DAY_CHARS
  return (time) => time.slice(from, SECOND_CHARS).replace('T', ' ')
}

const YEAR_CHARS = '2026-'.length
const DAY_CHARS = '2026-01-02T'.length
const SECOND_CHARS = '2026-01-02T03:04:05'.length
