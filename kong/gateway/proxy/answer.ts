import type { Exit } from '../plugins-runtime/plugin.ts'
import { configurationFor } from '../plugins-runtime/plugin-chain.ts'
import type { DataPlane } from './data-plane.ts'
import { proxyErrorPage, refusalPage } from './error-page.ts'
import type { ResponseHead } from './parse-response-head.ts'
import type { RequestContext } from './request-context.ts'
import { ownHeaders } from './response-head.ts'

/** Refuses with a message in the page the client accepts. */
export function answerRefusal(
  plane: DataPlane,
  context: RequestContext,
  status: number,
  message: string,
  headers: readonly string[] = [],
): void {
  context.hasExited = true
  const { contentType, body } = refusalPage(message, context.id, context.headers('accept')?.join(','))
  send(plane, context, status, [...headers, 'Content-Type', contentType], body)
}

/** An error of the proxying itself. 494 is how nginx calls a header that is too large; clients see 400. */
export function answerProxyError(plane: DataPlane, context: RequestContext, status: number): void {
  context.isErrorPage = true
  const { contentType, body } = proxyErrorPage(
    status,
    context.id,
    context.headers('accept')?.join(','),
    context.header('content-type'),
  )
  if (CLOSING.has(status)) context.response.shouldKeepAlive = false
  send(plane, context, status === 494 ? 400 : status, ['Content-Type', contentType], body)
  if (context.response.headersSent) context.status = status
}

/** What a plugin decided. */
export function answerExit(plane: DataPlane, context: RequestContext, exit: Exit): void {
  context.hasExited = true
  const headers = Object.entries(exit.headers).flatMap(([name, value]) =>
    [value].flat().flatMap((one) => [name, one]),
  )
  if (exit.body === null) send(plane, context, exit.status, headers, '')
  else if ('refusal' in exit.body) answerRefusal(plane, context, exit.status, exit.body.refusal, headers)
  else if ('text' in exit.body) send(plane, context, exit.status, headers, exit.body.text)
  else {
    const contentType = ['Content-Type', 'application/json; charset=utf-8']
    send(plane, context, exit.status, [...headers, ...contentType], JSON.stringify(exit.body.json))
  }
}

/** nginx's own page, for redirects of https-only routes. */
export function answerRedirect(
  plane: DataPlane,
  context: RequestContext,
  status: number,
  location: string,
): void {
  const title = `${status} ${REDIRECT_TITLES[status] ?? 'Redirect'}`
  const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`
  const contentType = status < 307 ? 'text/html' : 'text/html; charset=UTF-8'
  send(plane, context, status, ['Content-Type', contentType, 'Location', location], body)
}

/** Lets plugins edit the response headers. */
export function runRespond(plane: DataPlane, context: RequestContext, upstream: ResponseHead | null): void {
  if (!context.match) return
  for (const link of plane.chains.chain(context.route?.id ?? null, context.service?.id ?? null)) {
    if (!link.plugin.respond) continue
    const configured = configurationFor(link, context.consumer?.id ?? null)
    if (configured) link.plugin.respond(context, configured, upstream)
  }
}

/** nginx's reason phrases; it knows no others and then sends none. */
const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  206: 'Partial Content',
  301: 'Moved Permanently',
  302: 'Moved Temporarily',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Time-out',
  409: 'Conflict',
  410: 'Gone',
  411: 'Length Required',
  412: 'Precondition Failed',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Large',
  415: 'Unsupported Media Type',
  416: 'Requested Range Not Satisfiable',
  421: 'Misdirected Request',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Temporarily Unavailable',
  504: 'Gateway Time-out',
  505: 'HTTP Version Not Supported',
  507: 'Insufficient Storage',
}

const CLOSING = new Set([400, 414, 494, 500])
const REDIRECT_TITLES: Readonly<Record<number, string>> = {
  301: 'Moved Permanently',
  302: 'Found',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
}

function send(
  plane: DataPlane,
  context: RequestContext,
  status: number,
  headers: readonly string[],
  body: string,
): void {
  const { response } = context
  if (response.headersSent || response.destroyed) return
  runRespond(plane, context, null)
  context.status = status
  const bytes = Buffer.byteLength(body)
  const hasBody = status !== 204 && status !== 304
  const all = ownHeaders(
    context,
    response.shouldKeepAlive,
    hasBody ? [...headers, 'Content-Length', String(bytes)] : headers,
  )
  context.bytesSent = hasBody && context.method !== 'HEAD' ? bytes : 0
  response.writeHead(status, REASONS[status] ?? '', all as never)
  context.sentRawHeaders = all
  response.end(hasBody && context.method !== 'HEAD' ? body : undefined)
}
