// Google Cloud: x-cloud-trace-context is {32 lower-case hex}/{decimal span}[;o={digit}].
import type { CurrentSpan } from '../current-span.ts'
import { lowDecimal, parseDecimal, spanIdOf } from '../decimal.ts'
import type { HeaderDraft } from '../header-changes.ts'
import { isLowerHex, isZero } from '../hex.ts'
import { type RequestHeaders, soleValue } from '../request-headers.ts'
import { contextOf, type TraceContext } from '../trace-context.ts'

/** 32 + "/" + 20 digits + ";o=" and a digit. */
const MAX_CHARS = 57
const MAX_SPAN_DIGITS = 20

/** Null unless it has exactly this form. Span 0 stands for the root; without the option it is not sampled, as in Kong. */
export function extractGcp(headers: RequestHeaders): TraceContext | null {
  const value = soleValue(headers, 'x-cloud-trace-context')
  if (value === undefined || value.length > MAX_CHARS || value[32] !== '/') return null
  if (!isLowerHex(value, 0, 32) || isZero(value, 0, 32)) return null
  const semicolon = value.indexOf(';')
  const digits = value.slice(33, semicolon < 0 ? undefined : semicolon)
  const span = digits.length > MAX_SPAN_DIGITS ? null : parseDecimal(digits)
  const option = semicolon < 0 ? '' : value.slice(semicolon)
  if (span === null || (option !== '' && !/^;o=[0-9]$/.test(option))) return null
  return contextOf('gcp', {
    traceId: value.slice(0, 32),
    traceIdBytes: 16,
    parentSpanId: spanIdOf(span),
    sampled: option === ';o=1',
  })
}

/** Writes the header, always with the option. */
export function injectGcp(draft: HeaderDraft, _: RequestHeaders, span: CurrentSpan): void {
  const { traceId, spanId, sampled } = span
  draft.set['x-cloud-trace-context'] = `${traceId}/${lowDecimal(spanId)};o=${sampled ? '1' : '0'}`
}
