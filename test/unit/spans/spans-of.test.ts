import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../../../plugins/outcomes/outcome.ts'
import type { MeshNames } from '../../../plugins/spans/mesh-names.ts'
import { isRecorded, spansOf } from '../../../plugins/spans/spans-of.ts'
import { anOutcome, aTry } from '../../support/outcomes.ts'

const NAMES: MeshNames = {
  service: (id) => (id === 'service-1' ? 'web' : undefined),
  route: (id) =>
    id === 'route-1' ? { name: 'mesh.web.path', hosts: ['web.mesh'], paths: ['/web/', '/web/a'] } : undefined,
}

const spans = (changed: Partial<Outcome> = {}, names = NAMES) => spansOf(anOutcome(changed), names)

test('the SERVER span is the one that the traceparent sent on names', () => {
  const [server] = spans()
  assert.deepEqual(
    [server!.kind, server!.traceId, server!.spanId, server!.parentSpanId, server!.isParentRemote],
    ['server', '0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331', '00f067aa0ba902b7', true],
  )
})

test('every try is a CLIENT span below the SERVER span, with an id of its own', () => {
  const [server, ...tries] = spans({ tries: [aTry(), aTry(), aTry()] })
  assert.equal(tries.length, 3)
  assert.ok(tries.every(({ kind, parentSpanId }) => kind === 'client' && parentSpanId === server!.spanId))
  assert.equal(new Set([server, ...tries].map((span) => span!.spanId)).size, 4)
})

test('a request outside of a trace of ours leaves no spans', () => {
  assert.deepEqual(spans({ spanId: null }), [])
  assert.deepEqual(spans({ traceId: null }), [])
})

test('an exit has no CLIENT span', () => {
  const found = spans({ source: 'exit', status: 401, tries: [] })
  assert.deepEqual(
    found.map(({ kind }) => kind),
    ['server'],
  )
})

test('spans are named by method and route, never by the path of the request', () => {
  for (const span of spans({ path: '/web/b/4711' })) assert.equal(span.name, 'GET /web/')
  for (const span of spans({ routeId: 'unknown', path: '/web/b/4711' })) assert.equal(span.name, 'GET')
  for (const span of spans({ method: 'BREW' })) assert.equal(span.name, 'HTTP /web/a')
})

test('the route is the longest prefix that matched, an expression, or the host', () => {
  const named = (paths: readonly string[], hosts: readonly string[] = []) =>
    spans({}, { ...NAMES, route: () => ({ name: 'r', hosts, paths }) })[0]!.attributes['http.route']
  assert.equal(named(['/', '/web/', '/web/a', '/other/long/one']), '/web/a')
  assert.equal(named(['~/w.b/\\d+', '/x/']), '~/w.b/\\d+')
  assert.equal(named([], ['web.mesh', 'www.web.mesh']), 'web.mesh')
  assert.equal(named([]), undefined)
})

test('an unknown method is told apart without becoming a name', () => {
  const { attributes } = spans({ method: 'BREW' })[0]!
  assert.equal(attributes['http.request.method'], '_OTHER')
  assert.equal(attributes['http.request.method_original'], 'BREW')
})

test('the SERVER span says who asked for what, and nothing of the query', () => {
  const { attributes } = spans({ protocol: '2.0' })[0]!
  assert.deepEqual(attributes, {
    'http.request.method': 'GET',
    'url.path': '/web/a',
    'url.scheme': 'http',
    'server.address': 'web.mesh',
    'client.address': '10.0.0.9',
    'http.response.status_code': 200,
    'network.protocol.version': '2',
    'user_agent.original': 'probe/1',
    'http.request.size': 160,
    'http.response.size': 307,
    'http.route': '/web/a',
    'kong.request.id': 'ccbcb771eb7db91eeadfb973046e2d5f',
    'kong.service.id': 'service-1',
    'kong.route.id': 'route-1',
    'kong.route.name': 'mesh.web.path',
    'mesh.service': 'web',
    'mesh.source': 'upstream',
    'mesh.tries': 1,
  })
})

test('the CLIENT span names the instance and its service, for dependency maps', () => {
  const { attributes } = spans()[1]!
  assert.deepEqual(attributes, {
    'http.request.method': 'GET',
    'server.address': '10.0.0.1',
    'server.port': 80,
    'network.peer.address': '10.0.0.1',
    'network.peer.port': 80,
    'http.response.status_code': 200,
    'peer.service': 'web',
    'mesh.service': 'web',
    'url.template': '/web/a',
    'mesh.instance': '10.0.0.1:80',
    'mesh.connect_ms': 1,
    'mesh.first_byte_ms': 15,
  })
})

test('addresses of IPv6 and of unix sockets are taken apart', () => {
  const of = (instance: string) => spans({ tries: [aTry({ instance })] })[1]!.attributes
  const long = '0000:0000:0000:0000:0000:0000:0000:0001'
  assert.deepEqual(
    [of(`[${long}]:8080`)['server.address'], of(`[${long}]:8080`)['server.port']],
    [long, 8080],
  )
  assert.deepEqual(
    [of('unix:/run/a.sock')['server.address'], of('unix:/run/a.sock')['network.transport']],
    ['/run/a.sock', 'unix'],
  )
})

test('the CLIENT span of a try of which is not known whose it was names nobody', () => {
  const { attributes } = spans({ tries: [aTry({ instance: '' })] })[1]!
  assert.deepEqual(
    ['mesh.instance', 'server.address', 'server.port', 'network.peer.address'].filter(
      (name) => name in attributes,
    ),
    [],
  )
})

test('a 4xx is no error of the server and an error of the client', () => {
  const [server, client] = spans({ status: 404, tries: [aTry({ status: 404 })] })
  assert.deepEqual([server!.isError, client!.isError], [false, true])
  assert.deepEqual([server!.attributes['error.type'], client!.attributes['error.type']], [undefined, '404'])
})

test('a 5xx is an error of both', () => {
  const [server, client] = spans({ status: 503, tries: [aTry({ status: 503 })] })
  assert.deepEqual([server!.isError, client!.isError], [true, true])
  assert.deepEqual([server!.attributes['error.type'], client!.attributes['error.type']], ['503', '503'])
})

test('a try that failed is an error although the request went well', () => {
  const [server, first, second] = spans({
    tries: [aTry({ status: 'connect_error', connectMs: null, ttfbMs: null }), aTry()],
  })
  assert.deepEqual([server!.isError, first!.isError, second!.isError], [false, true, false])
  assert.equal(first!.attributes['error.type'], 'connection_error')
  assert.equal(first!.attributes['http.response.status_code'], undefined)
  assert.deepEqual(
    [first!.attributes['http.request.resend_count'], second!.attributes['http.request.resend_count']],
    [undefined, 1],
  )
})

test('timeouts and connections that end are told apart from answers of the same status', () => {
  const typeOf = (changed: Parameters<typeof aTry>[0]) =>
    spans({ status: 502, tries: [aTry(changed)] })[1]!.attributes['error.type']
  assert.equal(typeOf({ status: 'timeout', ttfbMs: null }), 'timeout')
  assert.equal(typeOf({ status: 502, ttfbMs: null }), 'connection_reset')
  assert.equal(typeOf({ status: 502 }), '502')
})

test("a client that left is nobody else's error", () => {
  const [server, client] = spans({
    status: 499,
    source: 'client_abort',
    tries: [aTry({ status: 499, ttfbMs: null })],
  })
  assert.deepEqual([server!.isError, client!.isError], [false, false])
  assert.equal(client!.attributes['mesh.source'], 'client_abort')
})

test("a failure of gRPC is an error behind HTTP 200; the caller's fault is one of the client only", () => {
  const [server, client] = spans({ grpcStatus: 14 })
  assert.deepEqual([server!.isError, client!.isError], [true, true])
  assert.deepEqual([server!.attributes['error.type'], client!.attributes['error.type']], ['14', '14'])
  assert.deepEqual(
    spans({ grpcStatus: 5 }).map(({ isError }) => isError),
    [false, true],
  )
  assert.deepEqual(
    spans({ grpcStatus: 0 }).map(({ isError }) => isError),
    [false, false],
  )
})

test('spans of tries lie within the SERVER span', () => {
  const [server, ...tries] = spans({
    durationMs: 20,
    tries: [
      aTry({ startedAfterMs: 0, ms: 19 }),
      aTry({ startedAfterMs: 19, ms: 5 }),
      aTry({ startedAfterMs: 25, ms: null }),
      aTry({ startedAfterMs: null, ms: null }),
    ],
  })
  for (const { startMs, endMs } of tries) {
    assert.ok(startMs >= server!.startMs && startMs <= endMs && endMs <= server!.endMs)
  }
})

test('unsampled requests are recorded when they failed or were refused', () => {
  const unsampled = { sampled: false }
  assert.equal(isRecorded(anOutcome()), true)
  assert.equal(isRecorded(anOutcome(unsampled)), false)
  assert.equal(isRecorded(anOutcome({ ...unsampled, status: 503, source: 'exit', tries: [] })), true)
  assert.equal(isRecorded(anOutcome({ ...unsampled, status: 200, grpcStatus: 14, source: 'exit' })), true)
  assert.equal(isRecorded(anOutcome({ ...unsampled, status: 404 })), false)
})
