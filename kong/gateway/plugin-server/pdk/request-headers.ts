import type { RequestContext } from '../../proxy/request-context.ts'

/** nginx reads no more than this many headers unless asked to (lua_max_req_headers). */
const MAX_HEADERS = 100

/** The request's headers as they are now, edits by plugins included: lower-case names and their values. */
export function requestHeaders(context: RequestContext, max = MAX_HEADERS): Map<string, string[]> {
  const found = new Map<string, string[]>()
  let left = max
  const add = (name: string, value: string): void => {
    if (left-- <= 0) return
    const values = found.get(name)
    if (values) values.push(value)
    else found.set(name, [value])
  }
  const raw = context.request.rawHeaders
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase()
    if (name === 'host' && context.upstreamHost !== null) add(name, context.upstreamHost)
    else if (!context.upstreamHeaders.has(name)) add(name, raw[i + 1]!)
  }
  for (const [name, edit] of context.upstreamHeaders) for (const value of edit?.values ?? []) add(name, value)
  return found
}

/** The first value of one header; names are compared without case, `_` counts as `-`. */
export function requestHeader(context: RequestContext, name: string): string | undefined {
  const lower = name.toLowerCase()
  if (lower === 'host' && context.upstreamHost !== null) return context.upstreamHost
  const edit = context.upstreamHeaders.get(lower)
  if (edit !== undefined) return edit?.values[0]
  return (
    context.header(lower) ??
    (lower.includes('_') ? requestHeader(context, lower.replaceAll('_', '-')) : undefined)
  )
}
