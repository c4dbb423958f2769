/**
 * nginx's variables at the end of a request, in the bytes nginx would log. Undefined is nginx's "not found": the log
 * shows it as nothing (escape=json) or `-`. https://nginx.org/en/docs/varindex.html
 */
import { hostname } from 'node:os'
import type { TLSSocket } from 'node:tls'
import { forwardedValues, hostVariable } from '../proxy/forward-headers.ts'
import type { RequestContext } from '../proxy/request-context.ts'
import { requestLength, sentBytes } from '../proxy/request-sizes.ts'
import { decodedPath } from '../proxy/request-target.ts'
import { sentHeaders } from '../proxy/sent-headers.ts'
import { isoTime, localTime } from './nginx-time.ts'
import { UPSTREAM_VARIABLES } from './upstream-variables.ts'

export type Variable = (context: RequestContext) => string | undefined

/** Undefined for a name that nginx would not know, or that this gateway does not. */
export function variableNamed(name: string): Variable | undefined {
  const known = VARIABLES[name] ?? UPSTREAM_VARIABLES[name]
  if (known) return known
  for (const [prefix, make] of FAMILIES) if (name.startsWith(prefix)) return make(name.slice(prefix.length))
  return undefined
}

/** nginx sends errors of the proxying through a location of their own, with the method of a GET. */
const ERROR_LOCATION = '/kong_error_handler'

const VARIABLES: Readonly<Record<string, Variable>> = {
  kong_request_id: ({ id }) => id,
  request_id: ({ id }) => id,
  msec: () => (Date.now() / 1000).toFixed(3),
  time_iso8601: () => isoTime(new Date()),
  time_local: () => localTime(new Date()),
  request_time: ({ startMs }) => ((performance.now() - startMs) / 1000).toFixed(3),
  status: ({ status }) => String(status).padStart(3, '0'),
  request: (context) => {
    const { method, request } = context
    return isUnreadable(context) ? '' : `${method} ${request.url} HTTP/${request.httpVersion}`
  },
  request_method: (context) => {
    if (context.isErrorPage) return context.method === 'HEAD' ? 'HEAD' : 'GET'
    return context.upstreamMethod
  },
  request_uri: ({ request }) => request.url,
  uri: (context) => (context.isErrorPage ? ERROR_LOCATION : decodedPath(context.target.rawPath)),
  document_uri: (context) => VARIABLES['uri']!(context),
  args: (context) => argumentsOf(context),
  query_string: (context) => argumentsOf(context),
  is_args: (context) => (argumentsOf(context) === '' ? '' : '?'),
  request_length: (context) => String(requestLength(context)),
  request_completion: ({ response }) => (response.writableFinished ? 'OK' : ''),
  bytes_sent: (context) => String(sentBytes(context)),
  body_bytes_sent: ({ bytesSent }) => String(bytesSent),
  server_protocol: (context) => (isUnreadable(context) ? '' : `HTTP/${context.request.httpVersion}`),
  scheme: ({ scheme }) => scheme,
  https: ({ scheme }) => (scheme === 'https' ? 'on' : ''),
  host: hostVariable,
  hostname: () => hostname(),
  server_name: () => 'kong',
  server_port: ({ port }) => String(port),
  server_addr: ({ socket }) => socket.localAddress,
  remote_addr: ({ clientIp }) => clientIp,
  realip_remote_addr: ({ peerIp }) => peerIp,
  remote_port: ({ socket }) => String(socket.remotePort ?? ''),
  remote_user: userOf,
  content_length: (context) =>
    context.body ? String(context.body.sizeBytes) : context.header('content-length'),
  content_type: (context) => context.header('content-type'),
  pid: () => String(process.pid),
  ssl_protocol: ({ socket }) => (socket as Partial<TLSSocket>).getProtocol?.() ?? undefined,
  ssl_cipher: ({ socket }) => (socket as Partial<TLSSocket>).getCipher?.()?.standardName,
  ssl_server_name: ({ socket }) =>
    (socket as Partial<{ servername: string | false }>).servername || undefined,
  upstream_host: ({ sentHost }) => sentHost,
  upstream_uri: (context) => (context.isRouted ? context.upstreamPath + context.upstreamQuery : ''),
  upstream_scheme: (context) => (context.isRouted ? (context.service?.protocol ?? '') : ''),
  upstream_x_forwarded_for: (context) => (context.isRouted ? forwardedValues(context, false).for : ''),
  upstream_x_forwarded_proto: (context) => (context.isRouted ? forwardedValues(context, false).proto : ''),
  upstream_x_forwarded_host: (context) => (context.isRouted ? forwardedValues(context, false).host : ''),
  upstream_x_forwarded_port: (context) => (context.isRouted ? forwardedValues(context, false).port : ''),
  upstream_x_forwarded_path: (context) => (context.isRouted ? forwardedValues(context, false).path : ''),
  upstream_x_forwarded_prefix: (context) =>
    context.isRouted ? (forwardedValues(context, false).prefix ?? '') : '',
}

const FAMILIES: readonly (readonly [string, (name: string) => Variable])[] = [
  ['http_', (name) => (context) => requestHeaderVariable(context, name)],
  ['sent_http_', (name) => (context) => joined(sentHeaders(context), name)],
  ['upstream_http_', (name) => (context) => joined(headersOf(context.upstreamHead?.rawHeaders ?? []), name)],
  // gRPC is not proxied, and nginx keeps no trailers of HTTP/1.
  ['upstream_trailer_', () => () => undefined],
  ['sent_trailer_', () => () => undefined],
  ['cookie_', (name) => (context) => cookieOf(context, name)],
  ['arg_', (name) => (context) => argumentOf(context, name)],
]

/** What was no HTTP request has no request line. */
const isUnreadable = (context: RequestContext): boolean => !context.request.httpVersion

function argumentsOf(context: RequestContext): string {
  return (context.match ? context.upstreamQuery : context.target.query).slice(1)
}

function argumentOf(context: RequestContext, name: string): string | undefined {
  for (const part of argumentsOf(context).split('&')) {
    const equals = part.indexOf('=')
    if (equals > 0 && part.slice(0, equals).toLowerCase() === name) return part.slice(equals + 1)
  }
  return undefined
}

/** All values of a request header as it goes on, joined; name in lower case with `_` for `-`. */
function requestHeaderVariable(context: RequestContext, name: string): string | undefined {
  if (name === 'host' && context.upstreamHost !== null) return context.upstreamHost
  const values: string[] = []
  const raw = context.request.rawHeaders
  for (let i = 0; i < raw.length; i += 2) {
    const lower = raw[i]!.toLowerCase()
    if (lower.replaceAll('-', '_') === name && !context.upstreamHeaders.has(lower)) values.push(raw[i + 1]!)
  }
  for (const [lower, edit] of context.upstreamHeaders) {
    if (edit && lower.replaceAll('-', '_') === name) values.push(...edit.values)
  }
  return values.length === 0 ? undefined : values.join(name === 'cookie' ? '; ' : ', ')
}

function headersOf(raw: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (let i = 0; i < raw.length; i += 2) {
    const lower = raw[i]!.toLowerCase()
    found.set(lower, [...(found.get(lower) ?? []), raw[i + 1]!])
  }
  return found
}

function joined(headers: ReadonlyMap<string, readonly string[]>, name: string): string | undefined {
  const values = [...headers]
    .filter(([lower]) => lower.replaceAll('-', '_') === name)
    .flatMap(([, list]) => list)
  return values.length === 0 ? undefined : values.join(', ')
}

function cookieOf(context: RequestContext, name: string): string | undefined {
  for (const part of (requestHeaderVariable(context, 'cookie') ?? '').split(';')) {
    const equals = part.indexOf('=')
    if (equals > 0 && part.slice(0, equals).trim().toLowerCase() === name)
      return part.slice(equals + 1).trim()
  }
  return undefined
}

function userOf(context: RequestContext): string | undefined {
  const basic = /^basic +(.+)$/i.exec(context.header('authorization') ?? '')?.[1]
  const decoded = basic === undefined ? '' : Buffer.from(basic, 'base64').toString('latin1')
  return decoded.includes(':') ? decoded.slice(0, decoded.indexOf(':')) : undefined
}
