// Traces as a mesh sends them: a gateway before every service, own spans of the services, ids and times of each request.
import { type JsonRequest, requestBytes } from './otlp-protobuf.ts'
import { jsonRequest, type SpanGiven } from './otlp-spans.ts'

/** Ten spans: two calls through the gateway, and what the services do. */
export function meshTrace(number: number, isError = false): SpanGiven[] {
  const id = (n: number) => number * 16 + n
  const request = `${number.toString(16).padStart(8, '0')}${'c0ffee'.repeat(4)}`
  const gateway = (service: string) => ({
    'http.request.method': 'GET',
    'url.path': `/orders/${number}`,
    'url.scheme': 'http',
    'server.address': `${service}.mesh`,
    'client.address': '10.0.0.9',
    'http.response.status_code': isError ? 500 : 200,
    'http.route': '/orders',
    'kong.request.id': request,
    'mesh.source': 'upstream',
    'mesh.tries': 1,
    'mesh.service': service,
  })
  const attempt = (service: string, port: number) => ({
    'http.request.method': 'GET',
    'mesh.instance': `10.0.0.${port % 7}:${port}`,
    'server.address': `10.0.0.${port % 7}`,
    'server.port': port,
    'http.response.status_code': isError ? 500 : 200,
    'peer.service': service,
    'mesh.service': service,
    'mesh.connect_ms': number % 3,
    'mesh.first_byte_ms': number % 50,
  })
  const server = { 'http.request.method': 'GET', 'http.route': '/orders', 'url.path': `/orders/${number}` }
  const ms = 20 + (number % 80)
  const spans: Omit<SpanGiven, 'trace'>[] = [
    {
      id: id(1),
      service: 'kong',
      name: 'GET /orders',
      kind: 'server',
      ms,
      attributes: gateway('web'),
      isError,
    },
    {
      id: id(2),
      parent: id(1),
      service: 'kong',
      name: 'GET /orders',
      kind: 'client',
      startMs: 1,
      ms: ms - 2,
      attributes: attempt('web', 8080),
      isError,
    },
    {
      id: id(3),
      parent: id(1),
      service: 'web',
      name: 'GET /orders',
      kind: 'server',
      startMs: 2,
      ms: ms - 4,
      attributes: server,
      isError,
    },
    { id: id(4), parent: id(3), service: 'web', name: 'render', startMs: 3, ms: 2 },
    {
      id: id(5),
      parent: id(3),
      service: 'web',
      name: 'GET',
      kind: 'client',
      startMs: 5,
      ms: ms - 9,
      attributes: { 'server.address': 'api.mesh' },
    },
    {
      id: id(6),
      parent: id(5),
      service: 'kong',
      name: 'GET /items',
      kind: 'server',
      startMs: 6,
      ms: ms - 11,
      attributes: gateway('api'),
    },
    {
      id: id(7),
      parent: id(6),
      service: 'kong',
      name: 'GET /items',
      kind: 'client',
      startMs: 7,
      ms: ms - 13,
      attributes: attempt('api', 8081),
    },
    {
      id: id(8),
      parent: id(6),
      service: 'api',
      name: 'GET /items',
      kind: 'server',
      startMs: 8,
      ms: ms - 15,
      attributes: server,
    },
    {
      id: id(9),
      parent: id(8),
      service: 'api',
      name: 'SELECT items',
      kind: 'client',
      startMs: 9,
      ms: 1,
      attributes: { 'db.system.name': 'postgresql', 'server.address': 'db.local' },
    },
    { id: id(10), parent: id(8), service: 'api', name: 'encode', startMs: 11, ms: 1 },
  ]
  return spans.map((span) => ({ ...span, trace: number, startMs: (span.startMs ?? 0) + number }))
}

/** Requests of `perRequest` traces each. */
export function meshRequests(from: number, count: number, perRequest: number): JsonRequest[] {
  return Array.from({ length: Math.ceil(count / perRequest) }, (_, i) => {
    const first = from + i * perRequest
    const size = Math.min(perRequest, from + count - first)
    return jsonRequest(
      Array.from({ length: size }, (_, j) => meshTrace(first + j, (first + j) % 97 === 0)).flat(),
    )
  })
}

export const asProtobuf = (requests: readonly JsonRequest[]): Buffer[] => requests.map(requestBytes)
