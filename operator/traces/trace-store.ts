// Keeps traces within three bounds, and finds them again. Pure but for being a store: time is passed in.
import { calledService, isOfGateway } from './called-service.ts'
import { countEdges } from './count-edges.ts'
import { EdgeBook } from './edge-book.ts'
import { Fifo } from './fifo.ts'
import {
  CONSUMER,
  type FlatAttributes,
  type ResourceInput,
  SERVER,
  type SpanInput,
} from './otlp/span-input.ts'
import { SeriesBook } from './series-book.ts'
import { SlowTraces } from './slow-traces.ts'
import { type SpanExtras, type StoredResource, StoredSpan, StoredTrace } from './stored-trace.ts'
import { type Term, TermTable } from './terms.ts'

export interface StoreBounds {
  readonly maxTraces: number
  readonly maxSpansPerTrace: number
  /** Of what is kept, by estimate. One trace gets a sixteenth of it. */
  readonly maxBytes: number
}

export const DEFAULT_BOUNDS: StoreBounds = {
  maxTraces: 10_000,
  maxSpansPerTrace: 2_000,
  maxBytes: 160 * 1024 * 1024,
}

/** The part of `maxTraces` for traces with errors and the slowest of each service, which would be due to go. */
const RESERVED_PART = 0.2
/** So many ids of traces that have gone are remembered, as multiples of `maxTraces`. */
const REMEMBERED = 4

/** What became of spans: kept, there already, of a trace that has gone, or without room in theirs. */
export interface Added {
  kept: number
  duplicate: number
  late: number
  overLimit: number
}

/** What spans claimed that cannot be: they are kept, and it is counted. */
export interface OddClaims {
  /** No start, an end before it, or a start more than a day after they came. */
  times: number
  /** Parents that would have closed a circle. */
  circles: number
}

const DAY_US = 86_400_000_000
const TRACE_BYTES = 400
const SPAN_BYTES = 320

export class TraceStore {
  readonly edges = new EdgeBook()
  readonly series = new SeriesBook()
  readonly attributes = new TermTable()
  readonly names = new TermTable()
  readonly services = new TermTable()
  readonly odd: OddClaims = { times: 0, circles: 0 }
  readonly #bounds: StoreBounds
  readonly #traces = new Map<string, StoredTrace>()
  readonly #ordinary = new Fifo<StoredTrace>()
  readonly #reserved = new Fifo<StoredTrace>()
  readonly #slow = new SlowTraces()
  readonly #gone = new Set<string>()
  readonly #goneOrder = new Fifo<string>()
  #arrivals = 0
  #spans = 0
  #bytes = 0
  #evicted = 0

  constructor(bounds: Partial<StoreBounds> = {}) {
    this.#bounds = { ...DEFAULT_BOUNDS, ...bounds }
  }

  get traceCount(): number {
    return this.#traces.size
  }

  get reservedCount(): number {
    return this.#reserved.size
  }

  get spanCount(): number {
    return this.#spans
  }

  /** Of all that is kept, by estimate. */
  get bytes(): number {
    return this.#bytes + this.attributes.bytes + this.names.bytes + this.services.bytes
  }

  get evicted(): number {
    return this.#evicted
  }

  /** When the first of the traces that are kept arrived; null without any. */
  get oldestMs(): number | null {
    const first = [this.#ordinary.peek(), this.#reserved.peek()].flatMap((trace) => trace?.arrivedMs ?? [])
    return first.length === 0 ? null : Math.min(...first)
  }

  get(traceId: string): StoredTrace | undefined {
    return this.#traces.get(traceId)
  }

  /** In order of arrival. */
  traces(): IterableIterator<StoredTrace> {
    return this.#traces.values()
  }

  /** @param nowMs wall clock: what counts is when spans arrive, whatever times they claim */
  add(spans: readonly SpanInput[], nowMs: number): Added {
    const added: Added = { kept: 0, duplicate: 0, late: 0, overLimit: 0 }
    for (const span of spans) added[this.#addOne(span, nowMs)]++
    return added
  }

  #addOne(input: SpanInput, nowMs: number): keyof Added {
    let trace = this.#traces.get(input.traceId)
    if (trace === undefined) {
      if (this.#gone.has(input.traceId)) return 'late'
      trace = new StoredTrace(input.traceId, ++this.#arrivals, nowMs)
      this.#traces.set(input.traceId, trace)
      this.#ordinary.push(trace)
      this.#charge(trace, TRACE_BYTES)
      while (this.#traces.size > this.#bounds.maxTraces) this.#evictOne()
    }
    if (trace.find(input.spanId) !== undefined) return 'duplicate'
    const { maxSpansPerTrace, maxBytes } = this.#bounds
    if (trace.spans.length >= maxSpansPerTrace || trace.bytes > maxBytes / 16) {
      trace.dropped++
      return 'overLimit'
    }
    const span = this.#stored(input, trace, nowMs)
    this.#spans++
    const circles = trace.circles
    trace.link(span)
    this.odd.circles += trace.circles - circles
    const { startUs, durationNs } = input
    if (startUs === 0 || durationNs < 0 || startUs > nowMs * 1_000 + DAY_US) this.odd.times++
    if (span.isError) trace.errors++
    this.#count(span, trace, nowMs)
    while (this.bytes > maxBytes && this.#traces.size > 1) this.#evictOne()
    return 'kept'
  }

  #count(span: StoredSpan, trace: StoredTrace, nowMs: number): void {
    const { service, durationMs, isError } = span
    const isEntry = span.kind === SERVER || span.kind === CONSUMER || span.parentId === ''
    this.series.countOperation(service, span.name.value as string, durationMs, isError, nowMs)
    if (isEntry) {
      this.series.countService(service, durationMs, isError, nowMs)
      this.#slow.offer(service, trace, durationMs)
    }
    countEdges(this.edges, span, nowMs)
  }

  #stored(input: SpanInput, trace: StoredTrace, nowMs: number): StoredSpan {
    const { kind, events, links, statusMessage } = input
    const before = this.attributes.bytes + this.names.bytes + this.services.bytes
    const resource = this.#resource(input.resource, trace)
    const terms = this.#terms(input.attributes, trace)
    const name = this.#take(this.names, 'name', input.name, trace)
    const isGateway = isOfGateway(input.resource.service, input.attributes)
    const callee = calledService(kind, isGateway, input.attributes)
    const extras =
      events.length + links.length > 0 || statusMessage !== '' ? { events, links, statusMessage } : null
    const isError = input.status === 2 || terms.some(({ key, value }) => key === 'error' && value === true)
    // What a trace brings for the first time is charged to it, so that no trace takes the room of all.
    const brought = this.attributes.bytes + this.names.bytes + this.services.bytes - before
    const own = SPAN_BYTES + 8 * terms.length + extrasBytes(extras)
    this.#charge(trace, own)
    trace.bytes += brought
    return new StoredSpan({
      id: input.spanId,
      parentId: input.parentId,
      resource,
      name,
      scope: this.#take(this.names, 'scope', input.scope, null),
      kind,
      status: input.status,
      isError,
      isGateway,
      // A span without a time began when it came; one that ends before it begins took no time.
      startUs: input.startUs === 0 ? nowMs * 1_000 : input.startUs,
      durationNs: input.startUs === 0 ? 0 : Math.max(0, input.durationNs),
      terms,
      extras,
      calls: callee === '' ? null : this.#take(this.services, 'service', callee, trace),
    })
  }

  #resource({ service, attributes }: ResourceInput, trace: StoredTrace): StoredResource {
    for (const known of trace.resources) {
      if (known.service.value === service && isSame(known.terms, attributes)) return known
    }
    const resource = {
      service: this.#take(this.services, 'service', service, trace),
      terms: this.#terms(attributes, trace),
    }
    trace.resources.push(resource)
    this.#charge(trace, 80 + 8 * resource.terms.length)
    return resource
  }

  #terms(attributes: FlatAttributes, trace: StoredTrace): readonly Term[] {
    const terms = new Array<Term>(attributes.length / 2)
    for (let i = 0; i < terms.length; i++) {
      terms[i] = this.#take(this.attributes, attributes[2 * i] as string, attributes[2 * i + 1]!, trace)
    }
    return terms
  }

  #take(table: TermTable, key: string, value: FlatAttributes[number], trace: StoredTrace | null): Term {
    const term = table.take(key, value)
    if (trace !== null) term.note(trace)
    return term
  }

  #charge(trace: StoredTrace, bytes: number): void {
    trace.bytes += bytes
    this.#bytes += bytes
    trace.ownBytes += bytes
  }

  /** There is always room for one that is none of these: the one that has just arrived. */
  get #mostReserved(): number {
    const { maxTraces } = this.#bounds
    return Math.min(maxTraces - 1, Math.max(1, Math.floor(maxTraces * RESERVED_PART)))
  }

  /** The oldest goes, unless there is room among those that are worth keeping and it is one. */
  #evictOne(): void {
    for (;;) {
      const oldest = this.#ordinary.shift()
      if (oldest === undefined) break
      if (oldest.errors === 0 && oldest.slowIn === 0) {
        this.#remove(oldest)
        return
      }
      oldest.isReserved = true
      this.#reserved.push(oldest)
      if (this.#reserved.size > this.#mostReserved) break
    }
    const oldest = this.#reserved.shift()
    if (oldest !== undefined) this.#remove(oldest)
  }

  #remove(trace: StoredTrace): void {
    this.#traces.delete(trace.id)
    this.#slow.forget(trace)
    trace.isGone = true
    this.#evicted++
    this.#spans -= trace.spans.length
    this.#bytes -= trace.ownBytes
    for (const span of trace.spans) {
      for (const term of span.terms) this.attributes.release(term)
      this.names.release(span.name)
      this.names.release(span.scope)
      if (span.calls !== null) this.services.release(span.calls)
    }
    for (const { service, terms } of trace.resources) {
      this.services.release(service)
      for (const term of terms) this.attributes.release(term)
    }
    // Lists of terms may still name the trace for a while: it must not keep its spans alive.
    trace.clear()
    this.#gone.add(trace.id)
    this.#goneOrder.push(trace.id)
    if (this.#gone.size > this.#bounds.maxTraces * REMEMBERED) this.#gone.delete(this.#goneOrder.shift()!)
  }
}

function isSame(terms: readonly Term[], attributes: FlatAttributes): boolean {
  if (terms.length * 2 !== attributes.length) return false
  return terms.every(
    ({ key, value }, i) => key === attributes[2 * i] && Object.is(value, attributes[2 * i + 1]),
  )
}

function extrasBytes(extras: SpanExtras | null): number {
  if (extras === null) return 0
  const { events, links, statusMessage } = extras
  const lists = [...events, ...links].map(({ attributes }) => attributes)
  const texts = [...events.map(({ name }) => name), ...lists.flat()]
  const chars = texts.reduce<number>((sum, text) => sum + (typeof text === 'string' ? text.length : 8), 0)
  return 64 + 120 * lists.length + 24 * texts.length + chars + statusMessage.length
}
