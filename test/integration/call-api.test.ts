// POST /call through the gateway with the mesh's plugins: the answer names the instance that served it.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import type { KongRow } from '../support/operator-stack.ts'
import { type PluginMesh, startPluginMesh } from '../support/plugin-mesh.ts'
import { waitFor } from '../support/wait-for.ts'

let mesh: PluginMesh
let echoes: EchoServer[]
before(async () => {
  mesh = await startPluginMesh()
  echoes = [await startEchoServer(), await startEchoServer()]
  await mesh.deploy(
    'shop',
    echoes.map(({ port }) => port),
  )
  await waitFor(async () => (await call({ service_name: 'shop' })).status === 200)
})
after(async () => {
  await mesh?.stop()
  for (const each of echoes ?? []) await each.close()
})

async function call(body: unknown): Promise<{ status: number; body: KongRow }> {
  const answer = await fetch(`${mesh.operator().url}/api/v1/mesh/v2/call`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: answer.status, body: await answer.json() }
}

test('the answer comes through the proxy, with the Consul id of the instance and the trace it got', async () => {
  const named = await waitFor(async () => {
    const { status, body } = await call({
      service_name: 'shop',
      method: 'PUT',
      path: '/x?y=1',
      body: { a: 1 },
    })
    equal(status, 200)
    return body.instance_id === null ? null : body // a busy machine may take longer than 100 ms to tell
  })
  const { status_code, instance_id, trace_id, duration, headers, body } = named
  equal(status_code, 200)
  equal(instance_id, `shop-${body.port}`)
  deepEqual(
    [body.method, body.url, body.bytes, body.headers['x-forwarded-host']],
    ['PUT', '/x?y=1', 7, 'shop.mesh'],
  )
  equal(body.headers.traceparent.split('-')[1], trace_id)
  ok(duration > 0 && duration < 10)
  match(headers.via, /kong/)
})

test('both instances serve, each under its own name', async () => {
  const seen = new Set<string>()
  await waitFor(async () => {
    const { body } = await call({ service_name: 'shop' })
    if (body.instance_id !== null) seen.add(body.instance_id)
    return seen.size === 2
  })
  deepEqual([...seen].sort(), echoes.map(({ port }) => `shop-${port}`).sort())
})

test('a service that is not in the catalog is 404, one without an instance 503', async () => {
  equal((await call({ service_name: 'nobody' })).status, 404)
  await mesh.consul.register({
    Name: 'ill',
    ID: 'ill-1',
    Address: '127.0.0.1',
    Port: 9,
    Check: { TTL: '600s', Status: 'critical' },
  })
  await waitFor(async () => (await call({ service_name: 'ill' })).status === 503)
  const { body } = await call({ service_name: 'ill' })
  match(body.detail, /no instance that can be asked|no host route/)
})

test('an only instance that refuses connections is 502 as Kong says, or 503 once Kong has marked it', async () => {
  await mesh.deploy('closed', [9])
  const { status, body } = await call({ service_name: 'closed', method: 'POST', retry_count: 0 })
  // 503 of Kong as well where the first try has it marked, and so leaves nobody for the next.
  const isKongs = status === 200 && [502, 503].includes(body.status_code)
  ok(isKongs || status === 503, JSON.stringify(body))
})

test('what may not be asked for is refused with the field named', async () => {
  const wrong: [body: object, field: string][] = [
    [{ path: '//evil' }, 'path'],
    [{ path: '/../x' }, 'path'],
    [{ method: 'TRACE' }, 'method'],
    [{ method: 'get' }, 'method'],
    [{ timeout: 0 }, 'timeout'],
    [{ timeout: 301 }, 'timeout'],
    [{ retry_count: 11 }, 'retry_count'],
    [{ retry_count: -1 }, 'retry_count'],
    [{ headers: { 'a b': 'c' } }, 'headers.a b'],
    [{ headers: { a: 'b\r\nc: d' } }, 'headers.a'],
    [{ url: 'http://evil' }, 'url'],
    [{ service_name: 'a/b' }, 'service_name'],
  ]
  for (const [over, field] of wrong) {
    const { status, body } = await call({ service_name: 'shop', ...over })
    deepEqual([status, body.error.details[0].field], [422, field])
  }
})
