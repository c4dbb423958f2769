// The operator's HTTP API. Handlers here only ask and answer; what they answer is made elsewhere and handed in.
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { OperatorStatus } from '../sync/operator-status.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { apiError } from './api-error.ts'
import { createApp } from './app.ts'
import { DOCS_POLICY, docsPage } from './docs-page.ts'
import { endpoint, V2 } from './endpoint.ts'
import { admission, type GuardOptions, guard } from './guard.ts'
import { type DescribedRoute, describedRoutes, openApi } from './openapi.ts'
import { quickServer, type ReadyAnswer } from './quick-answers.ts'
import { flag, serviceField } from './read-fields.ts'

export interface ServerOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Shown in `/openapi.json`. */
  readonly version?: string
  readonly guard?: Omit<GuardOptions, 'boundTo'>
  readonly metrics: Metrics
  readonly status: () => OperatorStatus
  /** Why the operator is not ready; empty when it is. */
  readonly notReady: () => readonly string[]
  /** What the answer of /healthz tells a successor that asks whether we still write. */
  readonly healthHeaders: (
    request: Readonly<Record<string, string | readonly string[] | undefined>>,
  ) => Readonly<Record<string, string>>
  /** Answers of some reads that need not be made. */
  readonly ready?: ReadyAnswer
  /** The rest of the API, each part adding its own paths. */
  readonly parts?: readonly ((app: FastifyInstance) => void)[]
}

export interface Server {
  readonly url: string
  close(): Promise<void>
}

/** @throws when the address cannot be listened on, naming it. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const app = buildServer(options)
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

/** With all its routes, listening nowhere yet. */
export function buildServer(options: ServerOptions): FastifyInstance {
  const admit = admission({ ...options.guard, boundTo: options.host })
  const app = createApp(options.ready === undefined ? undefined : quickServer(admit, options.ready))
  describe(app, options.version ?? '')
  guard(app, admit)
  routes(app, options)
  for (const part of options.parts ?? []) part(app)
  return app
}

/** `/openapi.json` and `/docs`, of every route that is added after this. */
function describe(app: FastifyInstance, version: string): void {
  const described: DescribedRoute[] = []
  // Made once, when all routes are there: anybody may ask.
  let document: string | undefined
  let page: string | undefined
  app.addHook('onRoute', (route) => {
    described.push(...describedRoutes(route))
  })
  endpoint(app, {
    method: 'GET',
    path: '/openapi.json',
    summary: 'This API as an OpenAPI 3.1 document.',
    door: 'open',
    answer: z.looseObject({ openapi: z.string() }),
    handle: ({ reply }) => {
      document ??= JSON.stringify(openApi(described, version))
      return reply.type('application/json; charset=utf-8').send(document)
    },
  })
  endpoint(app, {
    method: 'GET',
    path: '/docs',
    summary: 'This API as a page to read.',
    door: 'open',
    answer: 'text/html',
    handle: ({ reply }) => {
      reply.type('text/html; charset=utf-8').header('content-security-policy', DOCS_POLICY)
      page ??= docsPage(described, version)
      return page
    },
  })
}

function routes(app: FastifyInstance, { metrics, status, notReady, healthHeaders }: ServerOptions): void {
  const told = async ({ reply }: { reply: { type(type: string): unknown } }) => {
    reply.type(metrics.registry.contentType)
    return await metrics.registry.metrics()
  }
  endpoint(app, {
    method: 'GET',
    path: '/healthz',
    summary: 'The process is alive.',
    door: 'open',
    answer: z.object({ status: z.literal('ok') }),
    handle: ({ request, reply }) => {
      reply.headers(healthHeaders(request.headers))
      return { status: 'ok' }
    },
  })
  endpoint(app, {
    method: 'GET',
    path: '/readyz',
    summary: 'Whether everything is in Kong, and both Consul and Kong can be reached.',
    door: 'open',
    answer: z.object({ status: z.literal('ready') }),
    errors: [503],
    handle: ({ reply }) => {
      const reasons = notReady()
      if (reasons.length === 0) return { status: 'ready' }
      reply.code(503)
      return { status: 'not ready', reasons, ...apiError('not_ready', reasons.join('; ')) }
    },
  })
  for (const path of ['/metrics', `${V2}/metrics`]) {
    const summary = 'Metrics for Prometheus.'
    endpoint(app, { method: 'GET', path, summary, door: 'open', answer: 'text/plain', handle: told })
  }
  endpoint(app, {
    method: 'GET',
    path: `${V2}/status`,
    summary:
      'What the operator knows: services, instances and why each is in or out, problems, connections. ' +
      'With service one of them, with services=false none.',
    door: 'read',
    query: STATUS_QUERY,
    answer: z.looseObject({
      version: z.string(),
      mesh: z.string(),
      host_suffix: z.string(),
      expose_default: z.enum(['tagged', 'all']).nullable(),
      overrides_policy: z.enum(['keep', 'revert']),
      ready: z.boolean(),
    }),
    handle: ({ query: { service, services } }) => {
      const all = status()
      if (service === undefined && services !== false) return all
      return { ...all, services: all.services.filter((each) => each.service === service) }
    },
  })
}

const STATUS_QUERY = {
  service: serviceField.optional(),
  services: flag.optional(),
}
