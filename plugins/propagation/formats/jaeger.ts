// Jaeger's own headers: uber-trace-id is {trace}:{span}:{parent}:{flags}, one uberctx-{name} per baggage entry.
import { type CurrentSpan, isDebug, sizedTraceId } from '../current-span.ts'
import type { HeaderDraft } from '../header-changes.ts'
import { hexId, toLowerHex } from '../hex.ts'
import { extractPrefixed, injectPrefixed } from '../prefixed-baggage.ts'
import { type RequestHeaders, soleValue } from '../request-headers.ts'
import { contextOf, type TraceContext } from '../trace-context.ts'

const BAGGAGE = 'uberctx-'
/** Far above the 86 characters of a full value: only the parent, which is not used, can be longer. */
const MAX_CHARS = 256
const SAMPLED = 1
const DEBUG = 2

/** Null unless all four fields are there; ids may be short, the parent is only looked at. */
export function extractJaeger(headers: RequestHeaders): TraceContext | null {
  const value = soleValue(headers, 'uber-trace-id')
  if (value === undefined || value.length > MAX_CHARS) return null
  // Some clients send the colons percent-encoded.
  const fields = (value.includes('%') ? value.replace(/%3a/gi, ':') : value).split(':')
  if (fields.length !== 4) return null
  const [trace, span, parent, flags] = fields as [string, string, string, string]
  const traceId = upTo(trace, 32)
  const parentSpanId = upTo(span, 16)
  if (traceId === null || parentSpanId === null || toLowerHex(parent) === null) return null
  if (flags.length > 2 || toLowerHex(flags) === null) return null
  const bits = Number.parseInt(flags, 16)
  return contextOf('jaeger', {
    traceId: traceId.padStart(32, '0'),
    traceIdBytes: Math.ceil(traceId.length / 2),
    parentSpanId: parentSpanId.padStart(16, '0'),
    sampled: (bits & SAMPLED) !== 0,
    isDebug: (bits & SAMPLED) !== 0 && (bits & DEBUG) !== 0,
    baggage: extractPrefixed(headers, BAGGAGE),
  })
}

/** Writes uber-trace-id and the baggage that is known. */
export function injectJaeger(draft: HeaderDraft, _: RequestHeaders, span: CurrentSpan): void {
  const flags = !span.sampled ? '00' : isDebug(span, 'jaeger') ? '03' : '01'
  const ids = `${sizedTraceId(span, 16, 8)}:${span.spanId}:${span.parentSpanId ?? '0'}`
  draft.set['uber-trace-id'] = `${ids}:${flags}`
  injectPrefixed(draft.set, BAGGAGE, span.context?.baggage ?? [])
}

/** An id of 1 to `digits` hex digits, as long as it came, null if it is none or all zeros. */
const upTo = (text: string, digits: number): string | null =>
  text.length > digits ? null : hexId(text, text.length)
