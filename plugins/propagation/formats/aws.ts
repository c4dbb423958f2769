// AWS X-Ray: x-amzn-trace-id is Root=1-{8 hex}-{24 hex};Parent={16 hex};Sampled={0|1|?}, other fields between them.
import type { CurrentSpan } from '../current-span.ts'
import type { HeaderDraft } from '../header-changes.ts'
import { hexId } from '../hex.ts'
import { type RequestHeaders, soleValue, trimWhiteSpace } from '../request-headers.ts'
import { contextOf, type TraceContext } from '../trace-context.ts'

/** Room for many fields of others. */
const MAX_CHARS = 4_096

/** Null when one of the three fields is broken or none of them came. `Sampled=?` leaves the decision to us. */
export function extractAws(headers: RequestHeaders): TraceContext | null {
  const value = soleValue(headers, 'x-amzn-trace-id')
  if (value === undefined || value.length > MAX_CHARS) return null
  const fields: Fields = {}
  for (const pair of value.split(';')) if (!readField(pair, fields)) return null
  if (fields.root === undefined) {
    const isEmpty = fields.parent === undefined && fields.sampled === undefined
    return isEmpty ? null : contextOf('aws', { sampled: fields.sampled ?? null })
  }
  return contextOf('aws', {
    traceId: fields.root,
    traceIdBytes: 16,
    parentSpanId: fields.parent ?? null,
    sampled: fields.sampled ?? null,
  })
}

/** Writes the three fields; those of others are the business of whoever wrote them. */
export function injectAws(draft: HeaderDraft, _: RequestHeaders, span: CurrentSpan): void {
  const root = `1-${span.traceId.slice(0, 8)}-${span.traceId.slice(8)}`
  draft.set['x-amzn-trace-id'] = `Root=${root};Parent=${span.spanId};Sampled=${span.sampled ? '1' : '0'}`
}

interface Fields {
  root?: string
  parent?: string
  sampled?: boolean | null
}

/** Reads one of the fields, where the last wins of two; false when it is broken. Those of others are all right. */
function readField(pair: string, fields: Fields): boolean {
  const equals = pair.indexOf('=')
  const key = trimWhiteSpace(equals < 0 ? pair : pair.slice(0, equals))
  const value = equals < 0 ? '' : trimWhiteSpace(pair.slice(equals + 1))
  if (key === 'Sampled') {
    fields.sampled = value === '?' ? null : value === '1'
    return value === '0' || value === '1' || value === '?'
  }
  if (key !== 'Root' && key !== 'Parent') return true
  const id = key === 'Root' ? rootId(value) : hexId(value, 16)
  if (id === null) return false
  if (key === 'Root') fields.root = id
  else fields.parent = id
  return true
}

function rootId(root: string): string | null {
  const [version, time = '', unique = '', ...more] = root.split('-')
  if (version !== '1' || time.length !== 8 || more.length > 0) return null
  return hexId(time + unique, 32)
}
