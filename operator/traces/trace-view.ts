import { z } from 'zod'
import { type TraceTimes, traceTimes } from './intervals.ts'
import { type AttributeValue, type FlatAttributes, KIND_NAMES } from './otlp/span-input.ts'
import type { StoredSpan, StoredTrace } from './stored-trace.ts'
import { isoOfUs, roundMs, summarize, summaryShape } from './summarize.ts'
import type { Term } from './terms.ts'
import { outlineOf } from './trace-outline.ts'

const attributesShape = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))

const spanShape = z.object({
  span_id: z.string(),
  parent_span_id: z.string().nullable(),
  missing_parent: z.boolean().meta({ description: 'it names a parent that is not there' }),
  depth: z.int().meta({ description: '0 for those without a parent here' }),
  service: z.string(),
  operation: z.string(),
  kind: z.enum(KIND_NAMES),
  start_time: z.iso.datetime(),
  offset: z.number().meta({ description: 'ms since the trace began' }),
  duration: z.number().meta({ description: 'ms' }),
  self_time: z.number().meta({ description: 'ms without what its children take' }),
  critical_time: z.number().meta({ description: 'ms of the critical path that are its own; 0 off the path' }),
  clock_shift: z
    .number()
    .meta({ description: 'ms by which it was moved, because its clock is another than its caller’s' }),
  status: z.enum(['unset', 'ok', 'error']),
  status_message: z.string(),
  is_error: z.boolean(),
  attributes: attributesShape,
  resource: attributesShape,
  scope: z.string(),
  events: z.array(
    z.object({ time: z.iso.datetime(), offset: z.number(), name: z.string(), attributes: attributesShape }),
  ),
  links: z.array(z.object({ trace_id: z.string(), span_id: z.string(), attributes: attributesShape })),
})

export const traceShape = summaryShape.extend({
  dropped_spans: z.int().meta({ description: 'spans that found no room in this trace' }),
  critical_path: z.array(z.string()).meta({ description: 'ids of the spans on it, by time' }),
  spans: z
    .array(spanShape)
    .meta({ description: 'the tree from its root, each span before its children, children by start' }),
})
export type TraceView = z.infer<typeof traceShape>
export type SpanView = z.infer<typeof spanShape>

/** One trace as a tree. */
export function viewTrace(trace: StoredTrace): TraceView {
  const times = traceTimes(trace)
  const { root, startUs, shifts } = outlineOf(trace)
  const spans = inOrder(trace, root, times).map(([span, depth]) => {
    const time = times.get(span)!
    return {
      span_id: span.id,
      parent_span_id: span.parentId === '' ? null : span.parentId,
      missing_parent: span.parentId !== '' && span.parent === undefined,
      depth,
      service: span.service,
      operation: span.name.value as string,
      kind: KIND_NAMES[span.kind],
      start_time: isoOfUs(time.startUs),
      offset: roundMs((time.startUs - startUs) / 1_000),
      duration: span.durationMs,
      self_time: roundMs(time.selfMs),
      critical_time: roundMs(time.criticalMs),
      clock_shift: roundMs((shifts?.get(span) ?? 0) / 1_000),
      status: (['unset', 'ok', 'error'] as const)[span.status],
      status_message: span.extras?.statusMessage ?? '',
      is_error: span.isError,
      attributes: attributesOf(span.terms),
      resource: { 'service.name': span.service, ...attributesOf(span.resource.terms) },
      scope: span.scope.value as string,
      events: (span.extras?.events ?? []).map(({ timeUs, name, attributes }) => ({
        time: isoOfUs(timeUs),
        offset: roundMs((timeUs + (shifts?.get(span) ?? 0) - startUs) / 1_000),
        name,
        attributes: unflattened(attributes),
      })),
      links: (span.extras?.links ?? []).map(({ traceId, spanId, attributes }) => ({
        trace_id: traceId,
        span_id: spanId,
        attributes: unflattened(attributes),
      })),
    }
  })
  const critical = [...times]
    .filter(([, { criticalMs }]) => criticalMs > 0)
    .sort(([, left], [, right]) => left.startUs - right.startUs)
  return {
    ...summarize(trace, times),
    dropped_spans: trace.dropped,
    critical_path: critical.map(([{ id }]) => id),
    spans,
  }
}

/** The root's tree first; then what has no parent here, by start. Without recursion: trees may be deep. */
function inOrder(
  trace: StoredTrace,
  root: StoredSpan,
  times: TraceTimes,
): readonly (readonly [span: StoredSpan, depth: number])[] {
  const startsAt = (span: StoredSpan) => times.get(span)!.startUs
  const lastFirst = (left: StoredSpan, right: StoredSpan) => startsAt(right) - startsAt(left)
  const tops = trace.spans.filter(({ parent }) => parent === undefined && parent !== root)
  const others = tops.filter((span) => span !== root).sort(lastFirst)
  const waiting: (readonly [StoredSpan, number])[] = [...others, root].map((span) => [span, 0])
  const ordered: (readonly [StoredSpan, number])[] = []
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    ordered.push(next)
    const [span, depth] = next
    for (const child of [...span.children()].sort(lastFirst)) waiting.push([child, depth + 1])
  }
  return ordered
}

export function attributesOf(terms: readonly Term[]): Record<string, string | number | boolean> {
  return Object.fromEntries(terms.map(({ key, value }) => [key, plain(value)]))
}

function unflattened(flat: FlatAttributes): Record<string, string | number | boolean> {
  const pairs: [string, string | number | boolean][] = []
  for (let i = 0; i < flat.length; i += 2) pairs.push([String(flat[i]), plain(flat[i + 1]!)])
  return Object.fromEntries(pairs)
}

/** What JSON has no numbers for is text. */
const plain = (value: AttributeValue): string | number | boolean =>
  typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value)) ? String(value) : value
