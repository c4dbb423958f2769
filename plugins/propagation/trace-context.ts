import type { Format } from './propagation-config.ts'

/** What one format said about the trace that a request belongs to. */
export interface TraceContext {
  readonly format: Format
  /** 32 lower-case hex digits; null when the headers held a decision or a broken id but no trace to continue. */
  readonly traceId: string | null
  /** How many bytes the trace id came with. Formats that allow 8 or 16 send it on in the size it came in. */
  readonly traceIdBytes: number
  /** The caller's span, 16 lower-case hex digits. */
  readonly parentSpanId: string | null
  /** The caller's decision, null when it left that to us. */
  readonly sampled: boolean | null
  /** The trace id is known to be random (flag of W3C level 2). */
  readonly isRandom: boolean
  /** Debug flag of B3 and Jaeger; means something within its own format alone. */
  readonly isDebug: boolean
  /** Datadog's sampling priority as it came, for 2 (kept by a user) and -1 (dropped by one). */
  readonly priority: string | null
  /** Names and decoded values. W3C's baggage header is independent of a trace, passes as it is and is not in here. */
  readonly baggage: readonly (readonly [name: string, value: string])[]
}

/** A context of `format` with what `known` says; everything else is unknown. Spelt out, since spreading costs 100 ns. */
export const contextOf = (format: Format, known: Partial<TraceContext>): TraceContext => ({
  format,
  traceId: known.traceId ?? null,
  traceIdBytes: known.traceIdBytes ?? 0,
  parentSpanId: known.parentSpanId ?? null,
  sampled: known.sampled ?? null,
  isRandom: known.isRandom ?? false,
  isDebug: known.isDebug ?? false,
  priority: known.priority ?? null,
  baggage: known.baggage ?? NO_BAGGAGE,
})

const NO_BAGGAGE: TraceContext['baggage'] = []
