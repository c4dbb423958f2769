import { SERVER_NAME } from './forward-headers.ts'
import type { ResponseHead } from './parse-response-head.ts'
import type { RequestContext } from './request-context.ts'

/** Headers for the client from an upstream's answer: names and values in turn. */
export function clientHeaders(context: RequestContext, head: ResponseHead, keepAlive: boolean): string[] {
  const out: string[] = []
  const dropped = namedInConnection(head)
  const wantsTrailers = /trailers/i.test(context.header('te') ?? '')
  let hasServer = false
  let via = ''
  for (let i = 0; i < head.rawHeaders.length; i += 2) {
    const name = head.rawHeaders[i]!
    const lower = name.toLowerCase()
    if (HOP_BY_HOP.has(lower) || dropped?.has(lower) || context.responseHeaders.has(lower)) continue
    if (lower === 'trailer' && !wantsTrailers) continue
    if (lower === 'via') {
      via += `${head.rawHeaders[i + 1]}, `
      continue
    }
    if (lower === 'server') hasServer = true
    const value = head.rawHeaders[i + 1]!
    out.push(name, lower === 'content-type' && CHARSET_TYPES.has(value) ? `${value}; charset=UTF-8` : value)
  }
  out.push('Connection', keepAlive ? 'keep-alive' : 'close')
  if (!hasServer) out.push('Server', SERVER_NAME)
  out.push('X-Kong-Upstream-Latency', String(Math.max(Math.round(context.upstreamLatencyMs), 0)))
  out.push('X-Kong-Proxy-Latency', String(Math.round(context.proxyLatencyMs)))
  out.push('Via', `${via}1.1 ${SERVER_NAME}`)
  out.push('X-Kong-Request-Id', context.id)
  addAdded(context, out, [])
  addEdits(context, out)
  return out
}

/** Headers of an answer the gateway makes itself. */
export function ownHeaders(context: RequestContext, keepAlive: boolean, extra: readonly string[]): string[] {
  const out = [...extra, 'Connection', keepAlive ? 'keep-alive' : 'close']
  if (context.isProxied) {
    out.push('X-Kong-Upstream-Latency', String(Math.max(Math.round(context.upstreamLatencyMs), 0)))
    out.push('X-Kong-Proxy-Latency', String(Math.round(context.proxyLatencyMs)))
    out.push('Via', `1.1 ${SERVER_NAME}`)
  } else {
    out.push('X-Kong-Response-Latency', String(Math.round(performance.now() - context.startMs)))
  }
  out.push('Server', SERVER_NAME, 'X-Kong-Request-Id', context.id)
  addAdded(context, out, extra)
  addEdits(context, out)
  return out
}

/** What plugins added early, unless the answer has a header of that name. */
function addAdded(context: RequestContext, out: string[], own: readonly string[]): void {
  for (const [lower, { name, values }] of context.addedHeaders) {
    if (own.some((taken, i) => i % 2 === 0 && taken.toLowerCase() === lower)) continue
    for (const value of values) out.push(name, value)
  }
}

function addEdits(context: RequestContext, out: string[]): void {
  if (context.hashCookie !== null && context.isProxied) out.push('Set-Cookie', context.hashCookie)
  for (const edit of context.responseHeaders.values()) {
    for (const value of edit?.values ?? []) out.push(edit!.name, value)
  }
}

/** Kong has `charset UTF-8`: nginx adds it to these types when they come without parameters. */
const CHARSET_TYPES = new Set([
  'text/html',
  'text/xml',
  'text/plain',
  'text/vnd.wap.wml',
  'application/javascript',
  'application/rss+xml',
])

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'x-pad',
  'x-accel-expires',
  'x-accel-redirect',
  'x-accel-limit-rate',
  'x-accel-buffering',
  'x-accel-charset',
])

function namedInConnection(head: ResponseHead): Set<string> | null {
  for (let i = 0; i < head.rawHeaders.length; i += 2) {
    if (head.rawHeaders[i]!.length !== 10 || head.rawHeaders[i]!.toLowerCase() !== 'connection') continue
    const value = head.rawHeaders[i + 1]!.toLowerCase()
    if (value === 'keep-alive' || value === 'close' || value === 'upgrade') return null
    return new Set(value.split(',').map((name) => name.trim()))
  }
  return null
}
