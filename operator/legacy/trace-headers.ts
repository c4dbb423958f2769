/** Headers of a client's trace that go on to the service it caused a call of: W3C's and those of the old mesh. */
const TRACE_HEADERS = [
  'traceparent',
  'tracestate',
  'baggage',
  'x-trace-id',
  'x-span-id',
  'x-parent-span-id',
  'x-trace-flags',
  'x-trace-baggage',
] as const

/** Together; a header of more is nobody's trace. */
const LONGEST_VALUE = 8192

/** @param headers names in lower case; a header that came several times is left out, as no trace can be read from it */
export function traceHeaders(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name of TRACE_HEADERS) {
    const value = headers[name]
    if (typeof value === 'string' && value.length <= LONGEST_VALUE) kept[name] = value
  }
  return kept
}
