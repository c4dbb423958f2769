import type { Notes } from './span-input.ts'

/** What one span may bring. OpenTelemetry's SDKs have 128 attributes, events and links as their own default limits. */
export const MOST_ATTRIBUTES = 128
export const MOST_EVENTS = 128
export const MOST_LINKS = 128
export const MOST_EVENT_ATTRIBUTES = 32
export const MOST_KEY_CHARS = 256
export const MOST_NAME_CHARS = 1_024
export const MOST_VALUE_CHARS = 4_096
/** Lists and maps as values: how deep, and how many of all their members are kept. */
export const MOST_DEPTH = 8
export const MOST_MEMBERS = 256

/** The first `most` characters; a copy, so that a long text is not kept alive by its beginning. */
export function cut(text: string, most: number, notes: Notes): string {
  if (text.length <= most) return text
  notes.valuesCut++
  return Buffer.from(text.slice(0, most)).toString()
}

const TRACE_ID = /^[0-9a-f]{32}$/
const SPAN_ID = /^[0-9a-f]{16}$/
const NO_TRACE = '0'.repeat(32)
const NO_SPAN = '0'.repeat(16)

/** Why these ids (lower case) are none; '' when they are some. */
export function wrongIds(traceId: string, spanId: string, parentId: string): string {
  if (!TRACE_ID.test(traceId) || traceId === NO_TRACE)
    return 'trace_id is not 32 hex digits that are not all 0'
  if (!SPAN_ID.test(spanId) || spanId === NO_SPAN) return 'span_id is not 16 hex digits that are not all 0'
  if (parentId !== '' && !SPAN_ID.test(parentId)) return 'parent_span_id is not 16 hex digits'
  return ''
}

/** A parent of zeros is none. */
export const parentOf = (id: string): string => (id === NO_SPAN ? '' : id)
