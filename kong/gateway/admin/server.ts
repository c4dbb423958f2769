/**
 * The Admin API of the dev gateway: Kong 3.9.1's, for the entities kongsul uses. Start here:
 * `startAdmin` listens, finds the endpoint, reads the body and writes the answer. The other files of this folder are
 * the endpoints and what is below them; rules of entities are in ../schema.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BalancerHealth } from '../balancer/health.ts'
import type { EnabledPlugin } from '../plugin-definitions.ts'
import { makeSchemas } from '../schema/schemas.ts'
import type { Value } from '../schema/table.ts'
import type { Store } from '../store.ts'
import { type Answer, message, methodNotAllowed, noContent, notFound, Refusal } from './answer.ts'
import { parseBody, readBody, refuseUnknownType } from './body.ts'
import { configEndpoints } from './config-endpoints.ts'
import { entityEndpoints, makeEntities } from './entity-endpoints.ts'
import { parseArguments } from './form-arguments.ts'
import { errorPage } from './html.ts'
import { nodeEndpoints } from './node-endpoints.ts'
import type { AdminRequest } from './request.ts'
import { type Endpoint, Routes } from './routing.ts'
import { schemaEndpoints } from './schema-endpoints.ts'
import { specialEndpoints } from './special-endpoints.ts'
import { tagEndpoints } from './tag-endpoints.ts'
import { targetEndpoints } from './target-endpoints.ts'
import { writeAnswer } from './write-answer.ts'

export interface AdminLog {
  error(message: string, fields?: object): void
}

export interface AdminOptions {
  readonly store: Store
  readonly balancers: BalancerHealth
  readonly plugins: readonly EnabledPlugin[]
  readonly version: string
  readonly nodeId: string
  readonly log: AdminLog
  /** Default 127.0.0.1. */
  readonly host?: string
  /** 0 for any free one. */
  readonly port: number
  /** Kong's settings by their names in kong.conf, for GET /. */
  readonly configuration?: Readonly<Record<string, unknown>>
  /** For GET /status; all 0 without it. */
  readonly connections?: () => Readonly<Record<string, number>>
  /** DB-less mode: rows come from POST /config and nowhere else. Default false. */
  readonly isDbless?: boolean
  /** Where the rows are shared with other nodes: called before each read, and around each write. */
  readonly shared?: SharedRows
  /** Text of GET /metrics; the endpoint is missing without it. */
  readonly metrics?: () => string | Promise<string>
}

export interface SharedRows {
  /** Makes the store as new as the rows that are shared. */
  refresh(): void
  /** Rejects with what the work throws. */
  write<T>(work: () => T): Promise<T>
}

export interface Admin {
  readonly port: number
  /** Ends open connections. */
  close(): Promise<void>
}

/** @throws when the port cannot be had. */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const routes = makeRoutes(options)
  const server = createServer((incoming, response) => {
    void serve(routes, options, incoming, response)
  })
  await listen(server, options.port, options.host ?? '127.0.0.1')
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function makeRoutes(options: AdminOptions): Routes {
  const routes = new Routes()
  const schemas = makeSchemas(options.plugins.map(({ definition }) => definition))
  const { isDbless = false } = options
  const db = { store: options.store, schemas, now: Date.now, isDbless }
  const entities = makeEntities(db)
  const isControlPlane = options.configuration?.['role'] === 'control_plane'
  const isServed = ({ path }: Endpoint) => !isControlPlane || !path.endsWith('healthy')
  const endpoints = [
    ...entityEndpoints(entities),
    ...specialEndpoints(entities),
    ...targetEndpoints(entities, options.balancers, options.nodeId).filter(isServed),
    ...tagEndpoints(db),
    ...schemaEndpoints(db),
    ...nodeEndpoints(db, options, () => routes.paths),
    ...(isDbless ? configEndpoints(db) : []),
  ]
  for (const endpoint of endpoints) routes.add(endpoint)
  return routes
}

const listen = (server: Server, port: number, host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })

async function serve(
  routes: Routes,
  { version, log, shared }: AdminOptions,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startedMs = performance.now()
  let answer: Answer
  try {
    answer = await answerTo(routes, incoming, shared)
  } catch (error) {
    if (error instanceof Refusal) answer = error.answer
    else {
      log.error('an Admin request failed', { method: incoming.method, url: incoming.url, error })
      answer = message(500, 'An unexpected error occurred')
    }
  }
  writeAnswer(incoming, response, answer, { version, startedMs })
}

const METHODS_WITH_BODY = ['PUT', 'POST', 'PATCH']

async function answerTo(routes: Routes, incoming: IncomingMessage, shared?: SharedRows): Promise<Answer> {
  const [path = '/', query = ''] = splitUrl(incoming.url ?? '/')
  if (/%(?![\dA-Fa-f]{2}|$)|%00/.test(path)) return errorPage(400)
  const method = incoming.method ?? 'GET'
  const hasBody = METHODS_WITH_BODY.includes(method)
  const match = routes.match(path)
  if (hasBody) refuseUnknownType(incoming.headers, match?.endpoint.takesYaml)
  if (!match) return notFound()
  const handler = match.endpoint.methods[method === 'HEAD' ? 'GET' : method]
  if (match.endpoint.isOff && (handler || method === 'OPTIONS')) return notFound()
  if (!handler) return method === 'OPTIONS' ? allowed(match.endpoint, incoming) : methodNotAllowed()
  const request: AdminRequest = {
    method,
    params: match.params,
    query: parseArguments(query) as Record<string, Value>,
    body: hasBody ? parseBody(incoming.headers['content-type'], await readBody(incoming)) : {},
  }
  if (!shared) return handler(request)
  if (hasBody || method === 'DELETE') return shared.write(() => handler(request))
  shared.refresh()
  return handler(request)
}

function splitUrl(url: string): [path: string, query: string] {
  const mark = url.indexOf('?')
  return mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)]
}

function allowed(endpoint: Endpoint, incoming: IncomingMessage): Answer {
  const methods = Object.keys(endpoint.methods)
  const list = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].sort().join(', ')
  const asked = incoming.headers['access-control-request-headers']
  const headers = {
    Allow: list,
    'Access-Control-Allow-Methods': list,
    'Access-Control-Allow-Headers': asked ?? 'Content-Type',
  }
  return { ...noContent(), headers }
}
