// The HTTP server without its routes: limits, bodies, errors in one shape, and who is let in.
import type { Socket } from 'node:net'
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyServerFactory,
} from 'fastify'
import { apiError, CODES } from './api-error.ts'
import { jsonBody } from './json-body.ts'
import { RequestError } from './request-error.ts'

const MOST_BODY_BYTES = 1024 * 1024
const MOST_HEADER_BYTES = 16 * 1024
/** Consul's names are longer than fastify's usual 100 characters. */
const MOST_PARAM_CHARS = 1024
/** A client gets this long to send its request. */
const REQUEST_TIMEOUT_MS = 30_000

/** @param serverFactory makes the server that fastify answers the requests of; fastify itself without one */
export function createApp(serverFactory?: FastifyServerFactory): FastifyInstance {
  const app = Fastify({
    ...(serverFactory === undefined ? {} : { serverFactory }),
    logger: false,
    forceCloseConnections: true,
    exposeHeadRoutes: true,
    bodyLimit: MOST_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { maxHeaderSize: MOST_HEADER_BYTES },
    routerOptions: { maxParamLength: MOST_PARAM_CHARS },
    // What fastify refuses before it looks for a route, such as an escape in the path that is none.
    frameworkErrors: (error, _request, reply) => {
      const answer = reply as FastifyReply
      void answer.code(error.statusCode ?? 400).send(apiError('malformed', error.message))
    },
    clientErrorHandler: refuseUnreadable,
  })
  app.removeContentTypeParser('text/plain')
  app.removeContentTypeParser('application/json')
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const parsed = jsonBody(body as Buffer, (text) => {
        let result: unknown
        // Calls back before it returns.
        void parse(request, text, (error, value) => {
          if (error) throw error
          result = value
        })
        return result
      })
      done(null, parsed)
    } catch (error) {
      done(error as Error)
    }
  })
  app.setNotFoundHandler((request, reply) => {
    reply
      .code(404)
      .send(apiError('not_found', `${request.method} ${request.url.split('?')[0]} does not exist`))
  })
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500
    // Only what the client did wrong is told; the rest is ours and says nothing about the inside.
    const isTold = status < 500 || error instanceof RequestError
    const message = isTold ? error.message : 'internal error'
    const details = error instanceof RequestError ? error.details : []
    if (error instanceof RequestError) reply.headers(error.headers)
    reply.code(status).send(apiError(CODES[status] ?? 'error', message, details))
  })
  return app
}

/** Of a request that Node's parser gives up on there is nothing but the socket. */
function refuseUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, words] = UNREADABLE[error.code ?? ''] ?? [400, 'Bad Request']
  const body = JSON.stringify(apiError(CODES[status] ?? 'malformed', words))
  const head = `HTTP/1.1 ${status} ${words}\r\nContent-Type: application/json; charset=utf-8\r\n`
  socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
}

const UNREADABLE: Readonly<Record<string, readonly [status: number, words: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
}
