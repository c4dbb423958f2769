// OpenTracing's basic tracers: ot-tracer-traceid, -spanid, -sampled, and ot-baggage-{name}.
import { type CurrentSpan, sizedTraceId } from '../current-span.ts'
import type { HeaderDraft } from '../header-changes.ts'
import { hexId } from '../hex.ts'
import { extractPrefixed, injectPrefixed } from '../prefixed-baggage.ts'
import { cameIn, type RequestHeaders, soleValue } from '../request-headers.ts'
import { contextOf, type TraceContext } from '../trace-context.ts'
import { decision } from './b3-fields.ts'

const BAGGAGE = 'ot-baggage-'

/** Null when nothing usable came; a decision or baggage without ids belongs to the trace that begins here. */
export function extractOt(headers: RequestHeaders): TraceContext | null {
  const hasTrace = cameIn(headers, 'ot-tracer-traceid')
  const hasSpan = cameIn(headers, 'ot-tracer-spanid')
  if (!hasTrace && !hasSpan && !cameIn(headers, 'ot-tracer-sampled')) return null
  const sampled = decision(soleValue(headers, 'ot-tracer-sampled'))
  const baggage = extractPrefixed(headers, BAGGAGE)
  const traceId = hexId(soleValue(headers, 'ot-tracer-traceid') ?? '', 16, 32)
  const parentSpanId = hexId(soleValue(headers, 'ot-tracer-spanid') ?? '', 16)
  if (traceId === null || (parentSpanId === null && hasSpan)) {
    return sampled === null && baggage.length === 0 ? null : contextOf('ot', { sampled, baggage })
  }
  const traceIdBytes = traceId.length / 2
  return contextOf('ot', { traceId: traceId.padStart(32, '0'), traceIdBytes, parentSpanId, sampled, baggage })
}

/** Writes the headers. A trace that did not come in with 16 bytes goes out with its last 8, as these tracers want it. */
export function injectOt(draft: HeaderDraft, _: RequestHeaders, span: CurrentSpan): void {
  draft.set['ot-tracer-traceid'] = sizedTraceId(span, 8, 16)
  draft.set['ot-tracer-spanid'] = span.spanId
  draft.set['ot-tracer-sampled'] = span.sampled ? '1' : '0'
  injectPrefixed(draft.set, BAGGAGE, span.context?.baggage ?? [])
}
