// Keeps traces within three bounds, and finds them again. Pure but for being a store: time is passed in.
import { countEdges } from './count-edges.ts'
import { EdgeBook } from './edge-book.ts'
import { Fifo } from './fifo.ts'
import { CONSUMER, SERVER, type SpanInput } from './otlp/span-input.ts'
import { SeriesBook } from './series-book.ts'
import { SlowTraces } from './slow-traces.ts'
import { SpanMaker } from './span-maker.ts'
import { type StoredSpan, StoredTrace } from './stored-trace.ts'
import type { TermTable } from './terms.ts'

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

export class TraceStore {
  readonly edges = new EdgeBook()
  readonly series = new SeriesBook()
  readonly odd: OddClaims = { times: 0, circles: 0 }
  readonly #maker = new SpanMaker()
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

  get attributes(): TermTable {
    return this.#maker.attributes
  }

  get names(): TermTable {
    return this.#maker.names
  }

  get services(): TermTable {
    return this.#maker.services
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
    return this.#bytes + this.#maker.bytes
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
    const { span, ownBytes, broughtBytes } = this.#maker.make(input, trace, nowMs)
    this.#charge(trace, ownBytes)
    trace.bytes += broughtBytes
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
    this.#maker.release(trace)
    // Lists of terms may still name the trace for a while: it must not keep its spans alive.
    trace.clear()
    this.#gone.add(trace.id)
    this.#goneOrder.push(trace.id)
    if (this.#gone.size > this.#bounds.maxTraces * REMEMBERED) this.#gone.delete(this.#goneOrder.shift()!)
  }
}
