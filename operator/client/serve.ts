import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Span } from '../../plugins/spans/span.ts'
import { serverSpan } from './http-spans.ts'
import type { Mesh } from './public-types.ts'
import type { TraceScope } from './trace-scope.ts'
import type { Tracing } from './tracing.ts'

type Record = ((span: Span) => void) | null

/** For express, connect and whatever takes (request, response, next). */
export const middlewareOf =
  (tracing: Tracing, record: Record): Mesh['middleware'] =>
  (request, response, next) =>
    tracing.run(request.headersDistinct, (scope) => {
      recordWhenOver(scope, request, response, record)
      next()
    })

/** The same around a handler of node:http. */
export const handlerOf =
  (tracing: Tracing, record: Record) =>
  (listener: RequestListener): RequestListener =>
  (request, response) =>
    tracing.run(request.headersDistinct, (scope) => {
      recordWhenOver(scope, request, response, record)
      return listener(request, response)
    })

/** express tells the route, and where the router that has it is mounted, once it has found it. */
interface Routed {
  readonly originalUrl?: string
  readonly baseUrl?: string
  readonly route?: { readonly path?: unknown }
}

function recordWhenOver(
  { span }: TraceScope,
  request: IncomingMessage & Routed,
  response: ServerResponse,
  record: Record,
): void {
  if (record === null || !span.sampled) return
  const startMs = Date.now()
  const startedAt = performance.now()
  const { method = 'GET', url = '/' } = request
  const scheme = (request.socket as TLSSocket).encrypted === true ? 'https' : 'http'
  // Comes once, after the answer or in place of it.
  response.once('close', () => {
    const path = request.route?.path
    const route = typeof path === 'string' ? `${request.baseUrl ?? ''}${path}` : undefined
    const status = response.writableFinished ? response.statusCode : null
    const endMs = startMs + performance.now() - startedAt
    record(
      serverSpan(
        span,
        { method, url: request.originalUrl ?? url, route, scheme, status },
        { startMs, endMs },
      ),
    )
  })
}
