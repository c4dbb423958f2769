import { extract } from '../../plugins/propagation/extract.ts'
import type { RandomSource } from '../../plugins/propagation/outgoing.ts'
import { FORMATS } from '../../plugins/propagation/propagation-config.ts'

export interface CallTrace {
  readonly traceId: string
  readonly spanId: string | null
  /** With a traceparent of ours where the caller's headers hold no trace. */
  readonly headers: Record<string, string>
}

/** The trace that a call belongs to: the caller's, in whatever format, or a new one. */
export function traceOf(headers: Record<string, string>, random: RandomSource): CallTrace {
  const known = extract(headers, { extract: FORMATS })
  if (known !== null && known.traceId !== null) {
    return { traceId: known.traceId, spanId: known.parentSpanId, headers }
  }
  const [traceId, spanId] = [random.traceId(), random.spanId()]
  return { traceId, spanId, headers: { ...headers, traceparent: `00-${traceId}-${spanId}-01` } }
}
