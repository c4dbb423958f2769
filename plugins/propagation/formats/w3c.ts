// W3C Trace Context level 2, https://www.w3.org/TR/trace-context-2/. The baggage header is independent of it and passes
// through the gateway as it came, so nothing here touches it.
import type { CurrentSpan } from '../current-span.ts'
import type { HeaderDraft } from '../header-changes.ts'
import { cameIn, linesOf, type RequestHeaders, rawValue, soleValue } from '../request-headers.ts'
import { contextOf, type TraceContext } from '../trace-context.ts'
import { formatTraceparent, parseTraceparent, type Traceparent } from './traceparent.ts'
import { combineTracestate } from './tracestate.ts'

/** Null without exactly one valid traceparent: which of two is the caller's cannot be known. */
export function extractW3c(headers: RequestHeaders): TraceContext | null {
  const parsed = readTraceparent(headers)
  if (parsed === null) return null
  const { traceId, parentId, sampled, isRandom } = parsed
  return contextOf('w3c', { traceId, traceIdBytes: 16, parentSpanId: parentId, sampled, isRandom })
}

/** Writes traceparent, and drops a tracestate that does not belong to the trace or breaks the rules. */
export function injectW3c(draft: HeaderDraft, headers: RequestHeaders, span: CurrentSpan): void {
  const belonging = sameTrace(headers, span)
  // A new trace id is random; one that came in without saying so may not be.
  const isRandom = belonging === null ? !span.context?.traceId : belonging.isRandom
  const { traceId, spanId, sampled } = span
  draft.set['traceparent'] = formatTraceparent({ traceId, parentId: spanId, sampled, isRandom })
  if (!cameIn(headers, 'tracestate')) return
  const combined = belonging === null ? null : combineTracestate(linesOf(headers, 'tracestate'))
  if (combined === null) draft.remove.push('tracestate')
  else if (combined !== rawValue(headers, 'tracestate')) draft.set['tracestate'] = combined
}

/** What the incoming traceparent says of the span's trace; null when there is none, or it is of another trace. */
function sameTrace(headers: RequestHeaders, { context }: CurrentSpan): { readonly isRandom: boolean } | null {
  if (!context?.traceId) return null
  if (context.format === 'w3c') return context
  const parsed = readTraceparent(headers)
  return parsed !== null && parsed.traceId === context.traceId ? parsed : null
}

/** The one traceparent, null when there is none, more than one, or a broken one. */
export function readTraceparent(headers: RequestHeaders): Traceparent | null {
  const value = soleValue(headers, 'traceparent')
  return value === undefined ? null : parseTraceparent(value)
}
