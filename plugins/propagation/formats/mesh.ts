// The X-Trace-Id family of the system before: ids in lower-case hex (32 and 16 digits), flags 0 or 1, baggage as JSON.
import type { CurrentSpan } from '../current-span.ts'
import type { HeaderDraft } from '../header-changes.ts'
import { hexId, isLowerHex } from '../hex.ts'
import { cameIn, type RequestHeaders, soleValue } from '../request-headers.ts'
import { contextOf, type TraceContext } from '../trace-context.ts'

const MAX_BAGGAGE_CHARS = 8_192

/** Null without a valid trace id: many use X-Trace-Id for numbers of their own, which nobody here may touch. */
export function extractMesh(headers: RequestHeaders): TraceContext | null {
  const traceId = lowerId(soleValue(headers, 'x-trace-id'), 32)
  const parentSpanId = lowerId(soleValue(headers, 'x-span-id'), 16)
  if (traceId === null || (parentSpanId === null && cameIn(headers, 'x-span-id'))) return null
  const sampled = readFlags(soleValue(headers, 'x-trace-flags'))
  return contextOf('mesh', {
    traceId,
    traceIdBytes: 16,
    parentSpanId,
    sampled,
    baggage: readBaggage(headers),
  })
}

/** Whether the whole family came: then `preserve` keeps it in step even where another format won. */
export const meshCameIn = (headers: RequestHeaders): boolean =>
  cameIn(headers, 'x-trace-id') &&
  lowerId(soleValue(headers, 'x-trace-id'), 32) !== null &&
  lowerId(soleValue(headers, 'x-span-id'), 16) !== null

/** Writes the family. Baggage that came as X-Trace-Baggage passes as it is; that of another format is written anew. */
export function injectMesh(draft: HeaderDraft, headers: RequestHeaders, span: CurrentSpan): void {
  draft.set['x-trace-id'] = span.traceId
  draft.set['x-span-id'] = span.spanId
  if (span.parentSpanId !== null) draft.set['x-parent-span-id'] = span.parentSpanId
  else if (cameIn(headers, 'x-parent-span-id')) draft.remove.push('x-parent-span-id')
  draft.set['x-trace-flags'] = span.sampled ? '1' : '0'
  const { context } = span
  if (context !== null && context.format !== 'mesh' && context.baggage.length > 0) {
    draft.set['x-trace-baggage'] = asciiJson(Object.fromEntries(context.baggage))
  }
}

function lowerId(text: string | undefined, digits: number): string | null {
  return text !== undefined && isLowerHex(text) ? hexId(text, digits) : null
}

function readFlags(text: string | undefined): boolean | null {
  if (text === '1' || text === '01') return true
  return text === '0' || text === '00' ? false : null
}

/** Text, numbers and booleans of a JSON object; what is not one says nothing. */
function readBaggage(headers: RequestHeaders): TraceContext['baggage'] {
  const text = soleValue(headers, 'x-trace-baggage')
  if (text === undefined || text.length > MAX_BAGGAGE_CHARS) return []
  const parsed = parseJson(text)
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return []
  return Object.entries(parsed).flatMap(([name, value]) =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? [[name, String(value)] as const]
      : [],
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // it passes on as it came, and is not understood
  }
}

/** JSON that may stand in a header: other characters than ASCII as escapes. */
const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
