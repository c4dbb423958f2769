import type { RequestContext } from './request-context.ts'

export const SERVER_NAME = 'kong/3.9.1'

export interface ForwardedValues {
  readonly for: string
  readonly proto: string
  readonly host: string
  readonly port: string
  readonly path: string
  readonly prefix: string | null
}

/** X-Forwarded-*: from the request itself, or from its headers when the peer is a trusted proxy. */
export function forwardedValues(context: RequestContext, isTrusted: boolean): ForwardedValues {
  const sent = (name: string): string | undefined => (isTrusted ? context.header(name) : undefined)
  const chain = context.header('x-forwarded-for')
  const prefix = context.match?.prefix ?? null
  return {
    for: chain === undefined ? context.clientIp : `${chain}, ${context.peerIp}`,
    proto: sent('x-forwarded-proto') ?? context.scheme,
    host: sent('x-forwarded-host') ?? hostVariable(context),
    port: sent('x-forwarded-port') ?? String(context.port),
    path: sent('x-forwarded-path') ?? context.target.rawPath,
    prefix: sent('x-forwarded-prefix') ?? (prefix === '/' ? null : prefix),
  }
}

/** nginx's `$host`: authority or Host header in lower case without port; the server's name when there is none. */
export function hostVariable(context: RequestContext): string {
  const sent = context.target.authority ?? context.request.headers.host
  if (!sent) return 'kong'
  const name = sent.startsWith('[') ? sent.slice(0, sent.indexOf(']') + 1) : sent.split(':', 1)[0]!
  return (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase()
}

export interface HeadInput {
  readonly context: RequestContext
  readonly forwarded: ForwardedValues
  readonly host: string
  /** Path with query, escaped. */
  readonly uri: string
  readonly isWebSocket: boolean
  /** Length to declare; 'chunked' when it is not known; null for no body header. */
  readonly body: number | 'chunked' | null
}

/** The request head for an upstream, as a byte string with its blank line. */
export function buildRequestHead({ context, forwarded, host, uri, isWebSocket, body }: HeadInput): string {
  const { request, upstreamHeaders } = context
  const dropped = connectionHeaders(context)
  let head = `${context.upstreamMethod} ${uri} HTTP/1.1\r\n`
  if (/(^|,)\s*trailers\s*(,|$)/i.test(context.header('te') ?? '')) head += 'TE: trailers\r\n'
  const via = context.header('via')
  head += `Via: ${via === undefined ? '' : `${via}, `}${viaVersion(request.httpVersion)} ${SERVER_NAME}\r\n`
  head += `Host: ${host}\r\n`
  head += isWebSocket
    ? 'Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n'
    : 'Connection: keep-alive\r\n'
  head += `X-Forwarded-For: ${forwarded.for}\r\nX-Forwarded-Proto: ${forwarded.proto}\r\nX-Forwarded-Host: ${forwarded.host}\r\n`
  head += `X-Forwarded-Port: ${forwarded.port}\r\nX-Forwarded-Path: ${forwarded.path}\r\n`
  if (forwarded.prefix !== null) head += `X-Forwarded-Prefix: ${forwarded.prefix}\r\n`
  head += `X-Real-IP: ${context.clientIp}\r\nX-Kong-Request-Id: ${context.id}\r\n`
  if (body === 'chunked') head += 'Transfer-Encoding: chunked\r\n'
  else if (body !== null) head += `Content-Length: ${body}\r\n`

  const raw = request.rawHeaders
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    const lower = name.toLowerCase()
    if (OWN.has(lower) || dropped?.has(lower) || upstreamHeaders.has(lower) || !VALID_NAME.test(name))
      continue
    head += `${name}: ${raw[i + 1]}\r\n`
  }
  for (const edit of upstreamHeaders.values()) {
    for (const value of edit?.values ?? []) head += `${edit!.name}: ${value}\r\n`
  }
  return `${head}\r\n`
}

/** Kong prints the version as a number, so 1.0 reads `1`. */
function viaVersion(httpVersion: string): string {
  return httpVersion === '1.0' ? '1' : httpVersion
}

/** Headers this file writes itself, or never sends on. */
const OWN = new Set([
  'host',
  'connection',
  'te',
  'via',
  'upgrade',
  'keep-alive',
  'expect',
  'proxy',
  'proxy-connection',
  'transfer-encoding',
  'content-length',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-path',
  'x-forwarded-prefix',
  'x-real-ip',
  'x-kong-request-id',
])

/** nginx ignores header lines with other names. */
const VALID_NAME = /^[A-Za-z0-9_-]+$/

function connectionHeaders(context: RequestContext): Set<string> | null {
  const connection = context.request.headers.connection
  if (!connection || connection === 'keep-alive' || connection === 'close' || connection === 'upgrade')
    return null
  return new Set(connection.split(',').map((name) => name.trim().toLowerCase()))
}
