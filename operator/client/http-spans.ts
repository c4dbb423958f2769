// Spans of a service, as OpenTelemetry's conventions for HTTP have them. Pure. The query is nowhere: it may hold secrets.
import type { CurrentSpan } from '../../plugins/propagation/current-span.ts'
import { spanMethod } from '../../plugins/spans/http-method.ts'
import type { Span } from '../../plugins/spans/span.ts'

export interface Times {
  /** Wall clock, ms. */
  readonly startMs: number
  readonly endMs: number
}

export interface Served {
  readonly method: string
  /** With or without a query. */
  readonly url: string
  /** As the application's router has it, `/users/:id`. */
  readonly route: string | undefined
  readonly scheme: 'http' | 'https'
  /** Null where the client left before there was an answer. */
  readonly status: number | null
}

export function serverSpan(current: CurrentSpan, served: Served, { startMs, endMs }: Times): Span {
  const { verb, method } = spanMethod(served.method)
  const attributes: Record<string, string | number> = {
    'http.request.method': method,
    'url.path': pathOf(served.url),
    'url.scheme': served.scheme,
  }
  if (method === '_OTHER') attributes['http.request.method_original'] = served.method
  if (served.route !== undefined) attributes['http.route'] = served.route
  if (served.status !== null) attributes['http.response.status_code'] = served.status
  const isError = served.status !== null && served.status >= 500
  if (isError) attributes['error.type'] = String(served.status)
  return {
    ...ids(current),
    isParentRemote: current.parentSpanId !== null,
    name: served.route === undefined ? verb : `${verb} ${served.route}`,
    kind: 'server',
    startMs,
    endMs,
    attributes,
    isError,
  }
}

export interface Asked {
  readonly method: string
  readonly url: URL
  /** Service of the mesh that is meant. */
  readonly service: string | null
}

/** @param result status of the answer, or why there is none */
export function clientSpan(
  current: CurrentSpan,
  { method: asked, url, service }: Asked,
  result: number | Error,
  { startMs, endMs }: Times,
): Span {
  const { verb, method } = spanMethod(asked)
  const attributes: Record<string, string | number> = {
    'http.request.method': method,
    'url.path': url.pathname,
    'server.address': url.hostname.replace(/^\[(.*)\]$/, '$1'),
    'server.port': Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
  }
  if (method === '_OTHER') attributes['http.request.method_original'] = asked
  if (service !== null) attributes['peer.service'] = service
  if (typeof result === 'number') attributes['http.response.status_code'] = result
  const isError = typeof result !== 'number' || result >= 400
  if (isError) attributes['error.type'] = typeof result === 'number' ? String(result) : errorType(result)
  return {
    ...ids(current),
    isParentRemote: false,
    name: verb,
    kind: 'client',
    startMs,
    endMs,
    attributes,
    isError,
  }
}

const ids = ({ traceId, spanId, parentSpanId, sampled }: CurrentSpan) => ({
  traceId,
  spanId,
  parentSpanId,
  sampled,
})

const pathOf = (url: string): string => url.split(/[?#]/, 1)[0] || '/'

function errorType(error: Error): string {
  const { code, cause } = error as Error & { code?: string; cause?: { code?: string } }
  return cause?.code ?? code ?? error.name
}
