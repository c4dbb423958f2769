import { escapePercent, unescapePercent } from './percent.ts'
import { type RequestHeaders, soleValue } from './request-headers.ts'
import type { TraceContext } from './trace-context.ts'

// More than these stays in the request as it came; it is only not understood.
const MAX_ENTRIES = 64
const MAX_VALUE_CHARS = 4_096
/** In the place of bytes that are not UTF-8: written anew, they would be others. */
const NO_TEXT = '\ufffd'

/** Baggage of formats that use one header per entry. Entries that came twice or are not text are left as they came. */
export function extractPrefixed(headers: RequestHeaders, prefix: string): TraceContext['baggage'] {
  const baggage: (readonly [string, string])[] = []
  for (const name in headers) {
    if (!name.startsWith(prefix) || name.length === prefix.length || !Object.hasOwn(headers, name)) continue
    const raw = soleValue(headers, name)
    if (raw === undefined || raw.length > MAX_VALUE_CHARS || raw.includes(NO_TEXT)) continue
    const value = unescapePercent(raw)
    if (value !== null) baggage.push([name.slice(prefix.length), value])
    if (baggage.length === MAX_ENTRIES) break
  }
  return baggage
}

/** Writes baggage, also that of another format; a name that cannot be part of a header name is left out. */
export function injectPrefixed(
  set: Record<string, string>,
  prefix: string,
  baggage: TraceContext['baggage'],
): void {
  for (const [name, value] of baggage) {
    if (TOKEN.test(name)) set[`${prefix}${name.toLowerCase()}`] = escapePercent(value)
  }
}

/** RFC 9110, 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
