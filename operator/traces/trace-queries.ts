// What the routes ask of the traces that are stored. Time is read here, so that everything below gets it passed in.
import { type Bottlenecks, bottlenecks } from './bottlenecks.ts'
import { type JaegerDependency, type JaegerTrace, jaegerDependencies, jaegerTrace } from './jaeger.ts'
import { type Dependencies, dependencies, type ServiceLatency, serviceLatency } from './latency-views.ts'
import { KIND_NAMES } from './otlp/span-input.ts'
import { searchTraces, type TraceQuery } from './search-traces.ts'
import { summarize, type TraceSummary } from './summarize.ts'
import type { TraceStore } from './trace-store.ts'
import { type TraceView, viewTrace } from './trace-view.ts'

export interface FoundTraces {
  readonly traces: readonly TraceSummary[]
  readonly total: number
  /** When the oldest of all traces that are kept arrived; null without any. */
  readonly kept_since: string | null
}

export class TraceQueries {
  readonly #store: TraceStore
  readonly #nowMs: () => number

  constructor(store: TraceStore, nowMs: () => number = Date.now) {
    this.#store = store
    this.#nowMs = nowMs
  }

  /** How many traces there are. */
  get size(): number {
    return this.#store.traceCount
  }

  search(query: TraceQuery): FoundTraces {
    const { traces, total } = searchTraces(this.#store, query)
    const { oldestMs } = this.#store
    return {
      traces: traces.map((trace) => summarize(trace)),
      total,
      kept_since: oldestMs === null ? null : new Date(oldestMs).toISOString(),
    }
  }

  trace(id: string): TraceView | null {
    const trace = this.#store.get(id)
    return trace === undefined ? null : viewTrace(trace)
  }

  dependencies(windowMs: number | null): Dependencies {
    return dependencies(this.#store, windowMs, this.#nowMs())
  }

  latency(service: string, windowMs: number): ServiceLatency | null {
    return serviceLatency(this.#store, service, windowMs, this.#nowMs())
  }

  bottlenecks(windowMs: number, limit: number): Bottlenecks {
    return bottlenecks(this.#store, windowMs, limit, this.#nowMs())
  }

  /** Services that have sent spans, by name. */
  services(): readonly string[] {
    return [...new Set(this.#store.series.operations().map(({ service }) => service))]
      .filter((service) => this.#store.services.get('service', service) !== undefined)
      .sort()
  }

  /** Operations of a service with the kinds of their spans, by name. */
  operations(service: string): readonly { readonly name: string; readonly spanKind: string }[] {
    const term = this.#store.services.get('service', service)
    const found = new Map<string, { name: string; spanKind: string }>()
    for (const { spans } of term?.traces ?? []) {
      for (const span of spans) {
        if (span.service !== service) continue
        const name = span.name.value as string
        const spanKind = KIND_NAMES[span.kind]
        found.set(`${name}\0${spanKind}`, { name, spanKind: spanKind === 'unspecified' ? '' : spanKind })
      }
    }
    return [...found].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, row]) => row)
  }

  jaegerSearch(query: TraceQuery): readonly JaegerTrace[] {
    return searchTraces(this.#store, query).traces.map(jaegerTrace)
  }

  jaegerTrace(id: string): JaegerTrace | null {
    const trace = this.#store.get(id)
    return trace === undefined ? null : jaegerTrace(trace)
  }

  jaegerDependencies(windowMs: number | null): readonly JaegerDependency[] {
    return jaegerDependencies(this.dependencies(windowMs))
  }

  /** Callees by caller, those behind the gateway and the gateway itself. */
  callees(): ReadonlyMap<string, readonly string[]> {
    const map = new Map<string, Set<string>>()
    for (const { caller, callee } of this.#store.edges.list()) {
      map.set(caller, (map.get(caller) ?? new Set()).add(callee))
    }
    return new Map([...map].map(([caller, callees]) => [caller, [...callees].sort()]))
  }
}
