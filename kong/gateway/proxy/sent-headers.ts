import type { RequestContext } from './request-context.ts'

/** The headers of the answer as the client got them: lower-case names and their values. Empty when none went out. */
export function sentHeaders(context: RequestContext): Map<string, string[]> {
  const found = new Map<string, string[]>()
  const raw = context.sentRawHeaders
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase()
    const values = found.get(name)
    if (values) values.push(raw[i + 1]!)
    else found.set(name, [raw[i + 1]!])
  }
  // Added by node, and no header of ours then.
  if (context.response.chunkedEncoding) found.set('transfer-encoding', ['chunked'])
  return found
}
