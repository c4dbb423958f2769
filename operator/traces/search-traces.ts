import { KIND_NAMES } from './otlp/span-input.ts'
import type { StoredSpan, StoredTrace } from './stored-trace.ts'
import type { Term } from './terms.ts'
import { outlineOf } from './trace-outline.ts'
import type { TraceStore } from './trace-store.ts'

export interface TraceQuery {
  readonly service?: string | undefined
  readonly operation?: string | undefined
  readonly minDurationMs?: number | undefined
  readonly maxDurationMs?: number | undefined
  readonly errorOnly?: boolean
  /** Attributes of spans or resources, as they read. */
  readonly tags?: readonly (readonly [key: string, value: string])[]
  /** Bounds of when a trace begins, ms since 1970. */
  readonly startMs?: number | undefined
  readonly endMs?: number | undefined
  readonly limit: number
  /** All of it, durations too, about one and the same span, as Jaeger has it; else each about the trace. */
  readonly isOfOneSpan?: boolean
}

export interface Found {
  /** The newest first; of those that began at the same time the last to arrive. */
  readonly traces: readonly StoredTrace[]
  /** How many there are beyond the limit as well. */
  readonly total: number
}

/** Whatever is asked, the shortest list that an index has is gone through, and no more. */
export function searchTraces(store: TraceStore, query: TraceQuery): Found {
  const lists = indexLists(store, query).sort((left, right) => left.length - right.length)
  const [shortest = [...store.traces()], ...others] = lists
  const sets = others.map((list) => new Set(list))
  const seen = new Set<StoredTrace>()
  const traces: StoredTrace[] = []
  let total = 0
  // From the last to arrive: once there are enough, the others are counted and compared with the last of them alone.
  for (let i = shortest.length - 1; i >= 0; i--) {
    const trace = shortest[i]!
    if (trace.isGone || (lists.length > 0 && seen.has(trace))) continue
    if (lists.length > 0) seen.add(trace)
    if (!sets.every((set) => set.has(trace)) || !matches(trace, query)) continue
    total++
    insert(traces, trace, query.limit)
  }
  return { traces, total }
}

/** Into its place among the newest; whatever is beyond the limit falls out. */
function insert(traces: StoredTrace[], trace: StoredTrace, limit: number): void {
  if (traces.length >= limit && newestFirst(trace, traces[traces.length - 1]!) > 0) return
  let low = 0
  let high = traces.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (newestFirst(traces[middle]!, trace) < 0) low = middle + 1
    else high = middle
  }
  traces.splice(low, 0, trace)
  if (traces.length > limit) traces.pop()
}

const newestFirst = (left: StoredTrace, right: StoredTrace): number =>
  outlineOf(right).startUs - outlineOf(left).startUs || right.number - left.number

/** For each part of the query that has an index the traces that can fit; some may be gone, and some there twice. */
function indexLists(store: TraceStore, query: TraceQuery): (readonly StoredTrace[])[] {
  const { service, operation, tags = [] } = query
  const terms: (readonly Term[])[] = []
  if (service !== undefined)
    terms.push([store.services.get('service', service)].flatMap((each) => each ?? []))
  if (operation !== undefined) terms.push([store.names.get('name', operation)].flatMap((each) => each ?? []))
  for (const [key, value] of tags) if (!DERIVED.has(key)) terms.push(store.attributes.find(key, value))
  return terms.map((each) => (each.length === 1 ? each[0]!.traces : each.flatMap(({ traces }) => traces)))
}

function matches(trace: StoredTrace, query: TraceQuery): boolean {
  const { service, operation, minDurationMs, maxDurationMs, errorOnly, startMs, endMs, isOfOneSpan } = query
  const tags = query.tags ?? []
  if (errorOnly && trace.errors === 0) return false
  const { startUs, durationMs, services } = outlineOf(trace)
  if (startMs !== undefined && startUs < startMs * 1_000) return false
  if (endMs !== undefined && startUs > endMs * 1_000) return false
  if (isOfOneSpan) return trace.spans.some((span) => isSpan(span, query))
  if (minDurationMs !== undefined && durationMs < minDurationMs) return false
  if (maxDurationMs !== undefined && durationMs > maxDurationMs) return false
  if (service !== undefined && !services.includes(service)) return false
  if (operation !== undefined && !trace.spans.some((span) => isOperation(span, service, operation)))
    return false
  // The others are in the index, which is exact.
  return tags.every(
    ([key, value]) => !DERIVED.has(key) || trace.spans.some((span) => DERIVED.get(key)!(span) === value),
  )
}

function isOperation(span: StoredSpan, service: string | undefined, operation: string): boolean {
  return span.name.value === operation && (service === undefined || isService(span, service))
}

const isService = (span: StoredSpan, service: string): boolean =>
  span.service === service || (span.isGateway && span.calls?.value === service)

function isSpan(span: StoredSpan, query: TraceQuery): boolean {
  const { service, operation, minDurationMs = 0, maxDurationMs = Number.POSITIVE_INFINITY, tags = [] } = query
  if (service !== undefined && !isService(span, service)) return false
  if (operation !== undefined && span.name.value !== operation) return false
  if (span.durationMs < minDurationMs || span.durationMs > maxDurationMs) return false
  return tags.every(([key, value]) => {
    const derived = DERIVED.get(key)
    if (derived !== undefined) return derived(span) === value
    return [...span.terms, ...span.resource.terms].some(
      (term) => term.key === key && String(term.value) === value,
    )
  })
}

/** What Jaeger shows as tags of a span, and no attribute says. */
const DERIVED = new Map<string, (span: StoredSpan) => string>([
  ['error', ({ isError }) => String(isError)],
  ['span.kind', ({ kind }) => KIND_NAMES[kind]],
  ['otel.status_code', ({ status }) => ['UNSET', 'OK', 'ERROR'][status]!],
])
