// B3 of Zipkin, in several headers: https://github.com/openzipkin/b3-propagation. Where Kong 3.9.1 takes all-zero ids,
// or takes any tracestate for B3, this does not.
import { type CurrentSpan, isDebug, sizedTraceId } from '../current-span.ts'
import type { HeaderDraft } from '../header-changes.ts'
import { hexId } from '../hex.ts'
import { cameIn, linesOf, type RequestHeaders, soleValue, trimWhiteSpace } from '../request-headers.ts'
import { contextOf, type TraceContext } from '../trace-context.ts'
import { type B3Fields, decision, isParent, NO_B3_IDS } from './b3-fields.ts'
import { readB3Single } from './b3-single.ts'

const NAMES = ['x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'x-b3-sampled', 'x-b3-flags']

/** Both forms; the single header is stronger, and the others fill what it leaves open. Null when neither came. */
export function extractB3(headers: RequestHeaders): TraceContext | null {
  const single = readB3Single(headers)
  if (!NAMES.some((name) => cameIn(headers, name))) {
    return single === null ? null : contextOf('b3-single', single)
  }
  const multi = readMulti(headers)
  if (single === null) return contextOf('b3', multi)
  const ids = single.traceId === null ? multi : single
  return contextOf('b3-single', {
    traceId: ids.traceId,
    traceIdBytes: ids.traceIdBytes,
    parentSpanId: ids.parentSpanId,
    sampled: single.sampled ?? multi.sampled,
    isDebug: single.isDebug || (single.sampled !== false && multi.isDebug),
  })
}

/** Writes ids and decision. Parent and debug flag of another trace do not stay in the request. */
export function injectB3(draft: HeaderDraft, headers: RequestHeaders, span: CurrentSpan): void {
  draft.set['x-b3-traceid'] = sizedTraceId(span, 16, 8)
  draft.set['x-b3-spanid'] = span.spanId
  if (span.parentSpanId !== null) draft.set['x-b3-parentspanid'] = span.parentSpanId
  else if (cameIn(headers, 'x-b3-parentspanid')) draft.remove.push('x-b3-parentspanid')
  if (isDebug(span, 'b3', 'b3-single')) {
    // Debug implies the decision, which is then not sent; one that came in must not contradict it.
    draft.set['x-b3-flags'] = '1'
    if (cameIn(headers, 'x-b3-sampled')) draft.set['x-b3-sampled'] = '1'
    return
  }
  draft.set['x-b3-sampled'] = span.sampled ? '1' : '0'
  if (linesOf(headers, 'x-b3-flags').some((line) => trimWhiteSpace(line) === '1'))
    draft.remove.push('x-b3-flags')
}

function readMulti(headers: RequestHeaders): B3Fields {
  const isDebug = soleValue(headers, 'x-b3-flags') === '1'
  const sampled = isDebug ? true : decision(soleValue(headers, 'x-b3-sampled'))
  const traceId = hexId(soleValue(headers, 'x-b3-traceid') ?? '', 16, 32)
  const parentSpanId = hexId(soleValue(headers, 'x-b3-spanid') ?? '', 16)
  const isBroken =
    (parentSpanId === null && cameIn(headers, 'x-b3-spanid')) ||
    (cameIn(headers, 'x-b3-parentspanid') && !isParent(soleValue(headers, 'x-b3-parentspanid') ?? ''))
  if (traceId === null || isBroken) return { ...NO_B3_IDS, sampled, isDebug }
  const traceIdBytes = traceId.length / 2
  return { traceId: traceId.padStart(32, '0'), traceIdBytes, parentSpanId, sampled, isDebug }
}
