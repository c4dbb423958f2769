// The operator's HTTP API. Handlers here only ask and answer; what they answer is made elsewhere and handed in.
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import type { OperatorStatus } from '../sync/operator-status.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { apiError, CODES } from './api-error.ts'
import { isAllowedHost } from './host-check.ts'
import { RequestError } from './request-error.ts'

export interface ServerOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly metrics: Metrics
  readonly status: () => OperatorStatus
  /** Why the operator is not ready; empty when it is. */
  readonly notReady: () => readonly string[]
  /** What the answer of /healthz tells a successor that asks whether we still write. */
  readonly healthHeaders: (
    request: Readonly<Record<string, string | readonly string[] | undefined>>,
  ) => Readonly<Record<string, string>>
  /** The rest of the API, each part adding its own paths. */
  readonly parts?: readonly ((app: FastifyInstance) => void)[]
}

export interface Server {
  readonly url: string
  close(): Promise<void>
}

/** @throws when the address cannot be listened on, naming it. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const app = Fastify({ logger: false, forceCloseConnections: true, exposeHeadRoutes: true })
  guard(app, options.host)
  routes(app, options)
  for (const part of options.parts ?? []) part(app)
  try {
    await app.listen({ host: options.host, port: options.port })
  } catch (error) {
    const where = `${options.host}:${options.port}`
    throw new Error(`the API cannot listen on ${where}: ${(error as Error).message}`, { cause: error })
  }
  const address = app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return { url: `http://${host}:${port}`, close: () => app.close() }
}

function guard(app: FastifyInstance, boundTo: string): void {
  app.addHook('onRequest', async (request, reply) => {
    if (isAllowedHost(boundTo, request.headers.host)) return
    await reply.code(421).send(apiError('misdirected', 'this API does not answer to that Host'))
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
    reply.code(status).send(apiError(CODES[status] ?? 'error', message, details))
  })
}

function routes(app: FastifyInstance, options: ServerOptions): void {
  const { metrics, status, notReady, healthHeaders } = options
  app.get('/healthz', async (request, reply) => {
    reply.headers(healthHeaders(request.headers))
    return { status: 'ok' }
  })
  app.get('/readyz', async (_request, reply) => {
    const reasons = notReady()
    if (reasons.length === 0) return { status: 'ready' }
    reply.code(503)
    return { status: 'not ready', reasons, ...apiError('not_ready', reasons.join('; ')) }
  })
  app.get('/metrics', async (_request, reply) => {
    reply.type(metrics.registry.contentType)
    return await metrics.registry.metrics()
  })
  app.get('/api/v1/mesh/v2/status', async () => status())
}
