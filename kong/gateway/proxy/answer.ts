import type { Exit } from '../plugins-runtime/plugin.ts'
import { configurationFor } from '../plugins-runtime/plugin-chain.ts'
import type { DataPlane } from './data-plane.ts'
import { proxyErrorPage, refusalPage } from './error-page.ts'
import type { RequestContext } from './request-context.ts'
import { ownHeaders } from './response-head.ts'
import type { ResponseHead } from './response-parser.ts'

/** Refuses with a message in the page the client accepts. */
export function answerRefusal(
  plane: DataPlane,
  context: RequestContext,
  status: number,
  message: string,
  headers: readonly string[] = [],
): void {
  const { contentType, body } = refusalPage(message, context.id, context.headers('accept')?.join(','))
  send(plane, context, status, [...headers, 'Content-Type', contentType], body)
}

/** An error of the proxying itself. 494 is how nginx calls a header that is too large; clients see 400. */
export function answerProxyError(plane: DataPlane, context: RequestContext, status: number): void {
  const { contentType, body } = proxyErrorPage(
    status,
    context.id,
    context.headers('accept')?.join(','),
    context.header('content-type'),
  )
  if (CLOSING.has(status)) context.response.shouldKeepAlive = false
  send(plane, context, status === 494 ? 400 : status, ['Content-Type', contentType], body)
}

/** What a plugin decided. */
export function answerExit(plane: DataPlane, context: RequestContext, exit: Exit): void {
  const headers = Object.entries(exit.headers).flat()
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
  const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>openresty</center>\r\n</body>\r\n</html>\r\n`
  send(plane, context, status, ['Content-Type', 'text/html', 'Location', location], body)
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
  context.bytesSent = bytes
  response.writeHead(status, all as never)
  response.end(hasBody && context.method !== 'HEAD' ? body : undefined)
}
