// B3 in one header: {trace}-{span}[-{0|1|d}[-{parent}]], or the decision alone.
import { type CurrentSpan, isDebug, sizedTraceId } from '../current-span.ts'
import type { HeaderDraft } from '../header-changes.ts'
import { isZero, toLowerHex } from '../hex.ts'
import { cameIn, linesOf, type RequestHeaders, soleValue } from '../request-headers.ts'
import { contextOf, type TraceContext } from '../trace-context.ts'
import { type B3Fields, isParent, NO_B3_IDS } from './b3-fields.ts'

/** The longest valid value has 68 characters. */
const MAX_CHARS = 68
const UNKNOWN: B3Fields = { ...NO_B3_IDS, sampled: null, isDebug: false }

/** The single header alone, whatever the others say. */
export function extractB3Single(headers: RequestHeaders): TraceContext | null {
  const fields = readB3Single(headers)
  return fields === null ? null : contextOf('b3-single', fields)
}

/**
 * The header `b3`, or in its absence a tracestate line that is nothing but a valid one (`b3=...`), where Kong also
 * looks. Null when there is neither; a broken header says nothing but that the caller speaks this form.
 */
export function readB3Single(headers: RequestHeaders): B3Fields | null {
  if (cameIn(headers, 'b3')) return parse(soleValue(headers, 'b3') ?? '') ?? UNKNOWN
  if (!cameIn(headers, 'tracestate')) return null
  for (const line of linesOf(headers, 'tracestate')) {
    if (line.startsWith('b3=')) return parse(line.slice(3))
  }
  return null
}

/** Writes the header; parent and decision are part of it. */
export function injectB3Single(draft: HeaderDraft, _: RequestHeaders, span: CurrentSpan): void {
  const decision = isDebug(span, 'b3', 'b3-single') ? 'd' : span.sampled ? '1' : '0'
  const parent = span.parentSpanId === null ? '' : `-${span.parentSpanId}`
  draft.set['b3'] = `${sizedTraceId(span, 16, 8)}-${span.spanId}-${decision}${parent}`
}

function parse(text: string): B3Fields | null {
  if (text === '0') return { ...NO_B3_IDS, sampled: false, isDebug: false }
  if (text === '1' || text === 'd') return { ...NO_B3_IDS, sampled: true, isDebug: text === 'd' }
  if (text.length > MAX_CHARS) return null
  const [trace, span, ...rest] = text.split('-')
  const traceId = trace!.length === 16 || trace!.length === 32 ? toLowerHex(trace!) : null
  const parentSpanId = span?.length === 16 ? toLowerHex(span) : null
  if (traceId === null || parentSpanId === null) return null
  const tail = parseTail(rest)
  if (tail === null) return null
  // All zeros are no ids, but the header is whole: the decision beside them counts, as in the several headers.
  if (isZero(traceId) || isZero(parentSpanId)) return { ...NO_B3_IDS, ...tail }
  return { traceId: traceId.padStart(32, '0'), traceIdBytes: traceId.length / 2, parentSpanId, ...tail }
}

/** The decision and the parent's parent, each of which may be missing; that of the parent is only looked at. */
function parseTail(rest: readonly string[]): Pick<B3Fields, 'sampled' | 'isDebug'> | null {
  const decided = rest[0]?.length === 1 || rest[0] === '' ? rest[0] : undefined
  const [parent = '', ...more] = decided === undefined ? rest : rest.slice(1)
  if (more.length > 0 || (parent !== '' && !isParent(parent))) return null
  if (decided === undefined || decided === '') return { sampled: null, isDebug: false }
  if (decided !== '0' && decided !== '1' && decided !== 'd') return null
  return { sampled: decided !== '0', isDebug: decided === 'd' }
}
