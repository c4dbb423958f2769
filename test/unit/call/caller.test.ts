import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { type Call, Caller } from '../../../operator/call/caller.ts'
import { OutcomeWaiters } from '../../../operator/call/outcome-waiters.ts'
import { createProxyClient, type ProxyClient, ProxyFailure } from '../../../operator/call/proxy-client.ts'
import { RequestError } from '../../../operator/http/request-error.ts'
import { type EchoServer, startEchoServer } from '../../support/echo-server.ts'
import { freePorts } from '../../support/free-port.ts'

let echo: EchoServer
let proxy: ProxyClient
before(async () => {
  echo = await startEchoServer()
  proxy = createProxyClient(`http://127.0.0.1:${echo.port}`, { mostBytes: 1_000 })
})
after(async () => {
  proxy.close()
  await echo.close()
})

const waiters = new OutcomeWaiters()
const callerOf = (client: ProxyClient) =>
  new Caller({
    proxy: client,
    waiters,
    hostOf: () => 'web.mesh',
    instanceAt: (_service, target) => `instance at ${target}`,
    unit: () => 0,
  })
const call = (over: Partial<Call> = {}, client = proxy) =>
  callerOf(client).call({ service_name: 'web', ...over }, new AbortController().signal)
const status = (code: number) => (error: unknown) =>
  error instanceof RequestError && error.statusCode === code

test('Host is the service’s, a trace begins, and nobody knows the instance without an outcome', async () => {
  echo.behave({})
  const { status_code, body, trace_id, instance_id, headers } = await call({
    method: 'POST',
    path: '/a?b=c',
    headers: { Host: 'evil', 'X-A': '1' },
    body: { x: 1 },
  })
  const seen = body as { headers: Record<string, string>; url: string; method: string }
  deepEqual([status_code, seen.method, seen.url], [200, 'POST', '/a?b=c'])
  deepEqual([seen.headers['host'], seen.headers['x-a']], ['web.mesh', '1'])
  match(seen.headers['traceparent']!, new RegExp(`^00-${trace_id}-[0-9a-f]{16}-01$`))
  deepEqual([instance_id, headers['content-type']], [null, 'application/json'])
})

test('the caller’s trace goes on as it is, also in another format', async () => {
  const b3 = await call({ headers: { b3: '0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1' } })
  equal(b3.trace_id, '0af7651916cd43dd8448eb211c80319c')
  equal((b3.body as { headers: Record<string, string> }).headers['traceparent'], undefined)
})

test('an idempotent method is tried again after 503 up to retry_count, POST is not', async () => {
  echo.behave({ status: 503 })
  const before = echo.seen.length
  equal((await call({ retry_count: 2 })).status_code, 503)
  equal(echo.seen.length - before, 3)
  equal((await call({ method: 'POST', retry_count: 5 })).status_code, 503)
  equal(echo.seen.length - before, 4)
})

test('a broken connection is tried again only where that is safe, and is 502 at last', async () => {
  echo.behave({ reset: true })
  const before = echo.seen.length
  await rejects(call({ method: 'PATCH' }), status(502))
  equal(echo.seen.length - before, 1)
  await rejects(call({ method: 'PUT', retry_count: 1 }), status(502))
  equal(echo.seen.length - before, 3)
})

test('a proxy that is not there is tried for POST too, and is 502', async () => {
  const [port] = await freePorts(1)
  const nobody = createProxyClient(`http://127.0.0.1:${port}`)
  let tries = 0
  const counting: ProxyClient = {
    ...nobody,
    send: (...asked) => {
      tries++
      return nobody.send(...asked)
    },
  }
  await rejects(call({ method: 'POST', retry_count: 2 }, counting), status(502))
  equal(tries, 3)
})

test('the timeout bounds everything and is 504', async () => {
  echo.behave({ hang: true })
  await rejects(call({ timeout: 1, retry_count: 10 }), status(504))
})

test('a caller that leaves while a retry is waited for is waited for no longer', {
  timeout: 10_000,
}, async () => {
  const gone = new AbortController()
  let tries = 0
  const failing: ProxyClient = {
    send: async () => {
      if (++tries === 2) setImmediate(() => gone.abort(new Error('the client has left')))
      throw new ProxyFailure('connect', 'nobody is there', null)
    },
    close: () => {},
  }
  // The third retry would come after 30 s.
  const patient = new Caller({
    proxy: failing,
    waiters,
    hostOf: () => 'web.mesh',
    instanceAt: () => null,
    unit: () => (tries < 2 ? 0 : 150),
  })
  await rejects(patient.call({ service_name: 'web', timeout: 300 }, gone.signal), /the client has left/)
  equal(tries, 2)
})

test('calls go one after the other over the connection that is kept', async () => {
  let connections = 0
  const server = createServer((_request, response) => response.end('ok'))
  server.on('connection', () => connections++)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = createProxyClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  for (let at = 0; at < 3; at++) equal((await call({ method: 'POST', body: { at } }, client)).body, 'ok')
  equal(connections, 1)
  client.close()
  server.close()
})

test('an answer that is larger than the bound is 502 and is not asked for again', async () => {
  echo.behave({ headers: { 'x-fill': 'y' } })
  const before = echo.seen.length
  await rejects(call({ headers: { 'x-long': 'z'.repeat(2_000) } }), status(502))
  equal(echo.seen.length - before, 1)
})

const outcome = (over: object) => ({
  serviceId: 's',
  instances: ['10.0.0.1:80'],
  requestId: null,
  traceId: null,
  parentSpanId: null,
  ...over,
})

test('the instance is that of the outcome with Kong’s request id, whichever came before', async () => {
  echo.behave({ headers: { 'x-kong-request-id': 'r2' } })
  const answer = call()
  waiters.note(outcome({ requestId: 'r1', instances: ['10.0.0.9:80'] }))
  waiters.note(outcome({ requestId: 'r2', instances: ['10.0.0.1:80', '10.0.0.2:80'] }))
  equal((await answer).instance_id, 'instance at 10.0.0.2:80')
})

test('without a request id it is that of the trace whose parent is our span, not of what it led to', async () => {
  const wait = waiters.wait({ requestId: null, traceId: 't', spanId: 'a' }, 5_000)
  const end = waiters.begin()
  waiters.note(outcome({ traceId: 't', parentSpanId: 'b', instances: ['10.0.0.9:80'] }))
  waiters.note(outcome({ traceId: 't', parentSpanId: 'a' }))
  end()
  deepEqual((await wait)?.instances, ['10.0.0.1:80'])
})

test('what is not waited for is not kept', async () => {
  waiters.note(outcome({ requestId: 'early' }))
  equal(await waiters.wait({ requestId: 'early', traceId: 't', spanId: null }, 1), null)
})
