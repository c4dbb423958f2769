// Plugins in a stock kong-pdk server, through the gateway.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type PdkServer, startPdkServer } from '../support/pdk-server.ts'
import { type PluginGateway, startPluginGateway } from '../support/plugin-gateway.ts'
import { startUdpSink, type UdpSink } from '../support/udp-sink.ts'
import { waitFor } from '../support/wait-for.ts'

let gateway: PluginGateway
let servers: PdkServer[] = []
let reports: UdpSink

before(async () => {
  reports = await startUdpSink()
  gateway = await startPluginGateway({ plugins: ['toy-a', 'toy-script'] })
  servers = await Promise.all([
    startPdkServer('toy-a', gateway.socketOf('toy-a')),
    startPdkServer('toy-script', gateway.socketOf('toy-script')),
  ])
})
after(async () => {
  await gateway?.close()
  await Promise.all(servers.map((server) => server.kill()))
  reports?.close()
})

const get = (path: string, headers: Record<string, string> = {}) =>
  gateway.kong.request({ path, headers: { 'x-in': 'IN', ...headers } })

test('a plugin sees the request, and what it sets reaches upstream and client', async () => {
  await gateway.expose('calls')
  await gateway.configure('toy-a', 'calls', { calls: 4, message: 'héé' })
  const answer = await get('/calls/')
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['x-toy-resp'], 'a1')
  const sent = JSON.parse(answer.text).headers['x-toy-a'] as string
  assert.match(Buffer.from(sent, 'latin1').toString(), /^héé IN n=1 pid=\d+$/)
})

test('a plugin can answer the request itself', async () => {
  await gateway.expose('exit')
  await gateway.configure('toy-a', 'exit', { mode: 'exit', exit_status: 418 })
  const answer = await get('/exit/')
  assert.equal(answer.status, 418)
  assert.equal(answer.headers['x-toy'], 'exit')
  assert.equal(answer.text, '{"by":"toy-a","n":1}')
})

for (const mode of ['throw', 'badpdk']) {
  test(`a request goes on when the handler does ${mode}`, async () => {
    await gateway.expose(mode)
    await gateway.configure('toy-a', mode, { mode })
    assert.equal((await get(`/${mode}/`)).status, 200)
  })
}

test('a PDK call that Kong would not make is a 500 with its words', async () => {
  await gateway.expose('bad')
  await gateway.configure('toy-script', 'bad', {
    access: ['["kong.service.request.set_path", "no-slash"]'],
  })
  const answer = await get('/bad/')
  assert.equal(answer.status, 500)
  assert.equal(JSON.parse(answer.text).message, 'An unexpected error occurred')
})

test('no plugin can put a header or a line of its own into a request or an answer', async () => {
  await gateway.expose('inject')
  await gateway.configure('toy-script', 'inject', {
    access: [
      '["kong.service.request.set_header", "x-a b", "1\\r\\nx-evil: 1"]',
      '["kong.service.request.set_raw_query", "q=1 HTTP/1.1\\r\\nx-evil: 1"]',
      '["kong.response.set_header", "x-answer", "1\\r\\nx-evil: 1"]',
    ],
  })
  const answer = await get('/inject/')
  assert.deepEqual([answer.status, answer.headers['x-evil']], [200, undefined])
  assert.equal(answer.headers['x-answer'], '1%0D%0Ax-evil: 1')
  const { url, headers } = JSON.parse(answer.text)
  assert.equal(url, '/?q=1%20HTTP/1.1%0D%0Ax-evil:%201')
  assert.deepEqual([headers['x-evil'], headers['x-a%20b']], [undefined, '1%0D%0Ax-evil: 1'])
})

test('plugins of a server run among the bundled ones by priority', async () => {
  await gateway.expose('order')
  // toy-a has 1000: after key-auth (1250), before request-termination (2).
  await gateway.configure('toy-a', 'order', { mode: 'exit', exit_status: 418 })
  await gateway.configure('request-termination', 'order', { status_code: 410 })
  assert.equal((await get('/order/')).status, 418)
  await gateway.configure('key-auth', 'order', {})
  assert.equal((await get('/order/')).status, 401)
})

test('a changed configuration counts from the next request on', async () => {
  await gateway.expose('change')
  await gateway.configure('toy-a', 'change', { mode: 'exit', exit_status: 418 })
  assert.equal((await get('/change/')).status, 418)
  await gateway.configure('toy-a', 'change', { mode: 'exit', exit_status: 420 })
  assert.equal((await get('/change/')).status, 420)
})

test('the log phase comes after the answer and knows all of it', async () => {
  await gateway.expose('log')
  await gateway.configure('toy-script', 'log', {
    access: ['["kong.ctx.shared.set", "k", "kept"]'],
    log: [
      '["kong.log.serialize"]',
      '["kong.ctx.shared.get", "k"]',
      '["kong.response.get_status"]',
      '["kong.response.get_source"]',
    ],
    report_port: reports.port,
  })
  assert.equal((await get('/log/?a=1&b')).status, 200)
  const [record, ...others] = await waitFor(() => {
    const logged = reports.datagrams.map((text) => JSON.parse(text)).filter(({ phase }) => phase === 'log')
    return logged.length >= 4 ? logged.map(({ value }) => value) : undefined
  })
  assert.deepEqual(others, ['kept', 200, 'service'])
  const { request, response, service, route, tries, upstream_status: statuses } = JSON.parse(record)
  assert.deepEqual([request.uri, request.querystring], ['/log/?a=1&b', { a: '1', b: true }])
  assert.deepEqual([response.status, statuses], [200, '200'])
  assert.deepEqual([service.name, route.name], ['log', 'log'])
  assert.deepEqual([tries[0].ip, tries[0].port], ['127.0.0.1', gateway.upstream.port])
})

test('a body that a plugin reads still goes to the upstream', async () => {
  await gateway.expose('body')
  await gateway.configure('toy-script', 'body', {
    access: ['["kong.request.get_raw_body"]'],
    report_port: reports.port,
  })
  const body = 'x'.repeat(100_000)
  const answer = await gateway.kong.request({ path: '/body/', method: 'POST', body })
  assert.equal(JSON.parse(answer.text).bytes, body.length)
})
