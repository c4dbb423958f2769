import { AsyncLocalStorage } from 'node:async_hooks'
import type { RandomSource } from '../../plugins/propagation/outgoing.ts'
import type { RequestHeaders } from '../../plugins/propagation/request-headers.ts'
import type { Span } from '../../plugins/spans/span.ts'
import { type Asked, clientSpan } from './http-spans.ts'
import { callHeaders, scopeOf, type TraceScope } from './trace-scope.ts'

export interface TracingOptions {
  readonly forward: readonly string[]
  readonly samplingRate: number
  readonly random: RandomSource
  /** Where spans go; null: nowhere. */
  readonly record: ((span: Span) => void) | null
}

/** A call that is being made. */
export interface StartedCall {
  readonly headers: Record<string, string | string[]>
  /** @param result status of the answer, or why there is none */
  end(result: number | Error): void
}

/** The trace that runs through the process: from what is served to what is called. */
export class Tracing {
  readonly #options: TracingOptions
  readonly #scopes = new AsyncLocalStorage<TraceScope>()

  constructor(options: TracingOptions) {
    this.#options = options
  }

  /** Runs `work`, and all that comes of it, in the trace that these headers name. */
  run<T>(headers: RequestHeaders, work: (scope: TraceScope) => T): T {
    const { forward, samplingRate, random } = this.#options
    const scope = scopeOf(headers, forward, samplingRate, random)
    return this.#scopes.run(scope, () => work(scope))
  }

  /** Headers of a call that is no span of its own: they name the work that is under way. */
  headers(): Record<string, string | string[]> {
    const { random, record } = this.#options
    const scope = this.#scopes.getStore() ?? this.#fresh()
    const named = { ...random, spanId: () => scope.span.spanId }
    return callHeaders(scope, record !== null, named).headers
  }

  /** @param carriesTrace the application gave the call a trace of its own: it is left alone */
  call(asked: Asked, carriesTrace: boolean): StartedCall {
    if (carriesTrace) return { headers: {}, end: () => {} }
    const { random, record } = this.#options
    const scope = this.#scopes.getStore()
    const { headers, span } = callHeaders(scope ?? this.#fresh(), record !== null, random)
    if (record === null || span === null || !span.sampled) return { headers, end: () => {} }
    // Without work around it the call is where the trace begins.
    const current = scope === undefined ? { ...span, parentSpanId: null } : span
    const startMs = Date.now()
    const startedAt = performance.now()
    let isOver = false
    return {
      headers,
      end: (result) => {
        if (isOver) return
        isOver = true
        const endMs = startMs + performance.now() - startedAt
        record(clientSpan(current, asked, result, { startMs, endMs }))
      },
    }
  }

  #fresh(): TraceScope {
    const { forward, samplingRate, random } = this.#options
    return scopeOf({}, forward, samplingRate, random)
  }
}
