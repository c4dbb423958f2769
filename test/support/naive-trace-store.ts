// What the store of traces is to keep, by lists that are gone through from their beginning: slow, and plain to see.
// Without what makes a trace slow: spans are to be neither an entry of a service nor a root.
import type { SpanInput } from '../../operator/traces/otlp/span-input.ts'

interface NaiveTrace {
  readonly id: string
  readonly spanIds: string[]
  hasError: boolean
}

export class NaiveTraceStore {
  /** By arrival: those that are due in turn, and those that stay beyond their time, by when they were due. */
  #ordinary: NaiveTrace[] = []
  #reserved: NaiveTrace[] = []
  #gone: string[] = []
  readonly counts = { kept: 0, duplicate: 0, late: 0, overLimit: 0 }
  readonly #maxTraces: number
  readonly #maxSpans: number

  constructor(maxTraces: number, maxSpansPerTrace: number) {
    this.#maxTraces = maxTraces
    this.#maxSpans = maxSpansPerTrace
  }

  /** Ids of traces with those of their spans, sorted. */
  get held(): readonly string[] {
    return this.#all.map(({ id, spanIds }) => `${id} ${spanIds.join(' ')}`).sort()
  }

  add(spans: readonly SpanInput[]): void {
    for (const span of spans) this.counts[this.#addOne(span)]++
  }

  get #all(): readonly NaiveTrace[] {
    return [...this.#reserved, ...this.#ordinary]
  }

  #addOne({ traceId, spanId, status }: SpanInput): keyof NaiveTraceStore['counts'] {
    let trace = this.#all.find(({ id }) => id === traceId)
    if (trace === undefined) {
      if (this.#gone.includes(traceId)) return 'late'
      trace = { id: traceId, spanIds: [], hasError: false }
      this.#ordinary.push(trace)
      if (this.#all.length > this.#maxTraces) this.#evict()
    }
    if (trace.spanIds.includes(spanId)) return 'duplicate'
    if (trace.spanIds.length >= this.#maxSpans) return 'overLimit'
    trace.spanIds.push(spanId)
    trace.hasError ||= status === 2
    return 'kept'
  }

  /** The oldest without an error goes, but for a fifth that is for those with errors; of more than that their oldest. */
  #evict(): void {
    const room = Math.min(this.#maxTraces - 1, Math.max(1, Math.floor(this.#maxTraces / 5)))
    const plain = this.#ordinary.findIndex(({ hasError }) => !hasError)
    const before = plain < 0 ? this.#ordinary.length : plain
    const moving = Math.min(before, room + 1 - this.#reserved.length)
    this.#reserved.push(...this.#ordinary.splice(0, moving))
    const list = this.#reserved.length > room ? this.#reserved : this.#ordinary
    const { id } = list.shift()!
    this.#gone = [...this.#gone, id].slice(-4 * this.#maxTraces)
  }
}
