// The access-log feed over real UDP: one datagram a request, as nginx writes it.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { freePorts } from '../support/free-port.ts'
import { type KongUnderTest, startKongUnderTest } from '../support/kong-under-test.ts'
import { sendRaw } from '../support/raw-http.ts'
import { startUdpSink, type UdpSink } from '../support/udp-sink.ts'
import { waitFor } from '../support/wait-for.ts'

const FORMAT =
  `feed escape=json '{"t":"$msec","id":"$kong_request_id","addr":"$upstream_addr","statuses":"$upstream_status",
"times":"$upstream_response_time","connects":"$upstream_connect_time","headers":"$upstream_header_time","trace":"$http_traceparent",
"host":"$upstream_host","uri":"$uri","method":"$request_method","request":"$request","status":"$status","seconds":"$request_time",
"client":"$remote_addr","sent":"$bytes_sent","length":"$request_length","grpc":"$upstream_http_grpc_status","type":"$sent_http_content_type"}'`.replaceAll(
    '\n',
    '',
  )

let sink: UdpSink
let kong: KongUnderTest
let upstream: EchoServer

before(async () => {
  sink = await startUdpSink()
  upstream = await startEchoServer()
  kong = await startGateway({})
})
after(async () => {
  await kong?.close()
  await upstream?.close()
  sink?.close()
})

const startGateway = (env: Record<string, string>): Promise<KongUnderTest> =>
  startKongUnderTest({
    alwaysOwn: true,
    env: {
      KONG_NGINX_HTTP_LOG_FORMAT: FORMAT,
      KONG_NGINX_PROXY_ACCESS_LOG: `syslog:server=127.0.0.1:${sink.port},nohostname,tag=mesh feed`,
      ...env,
    },
  })

async function expose(name: string, service: object, on = kong): Promise<void> {
  await on.admin('PUT', `/services/${name}`, { host: '127.0.0.1', port: upstream.port, ...service })
  await on.admin('PUT', `/routes/${name}`, { service: { name }, paths: [`/${name}/`] })
}

type Line = Readonly<Record<string, string>>

/** The line of the next request, in UTF-8. */
async function lineOf(send: () => Promise<unknown>): Promise<Line> {
  const before = sink.datagrams.length
  await send()
  const datagram = await waitFor(() => sink.datagrams[before], { what: 'a datagram' })
  const [, json] = /^<190>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d mesh: (\{.*\})$/.exec(datagram) ?? []
  assert.ok(json, datagram)
  return JSON.parse(Buffer.from(json, 'latin1').toString('utf8'))
}

const get = (path: string, headers = {}) => kong.request({ path, headers })

test('a line has what the client sent, what the upstream said and how long it took', async () => {
  await expose('ok', {})
  const line = await lineOf(() => get('/ok/a%20b/?q=%C3%A9', { traceparent: 'tp "1\\' }))
  const { port } = upstream
  assert.match(line.t!, /^\d{10}\.\d{3}$/)
  assert.match(line.id!, /^[0-9a-f]{32}$/)
  for (const name of ['times', 'connects', 'headers', 'seconds']) assert.match(line[name]!, /^\d+\.\d{3}$/)
  const { addr, statuses, trace, host, uri, method, request, status, client, grpc, type } = line
  assert.deepEqual([addr, statuses, host], [`127.0.0.1:${port}`, '200', `127.0.0.1:${port}`])
  assert.deepEqual([trace, uri, method], ['tp "1\\', '/ok/a b/', 'GET'])
  assert.deepEqual([request, status, client], ['GET /ok/a%20b/?q=%C3%A9 HTTP/1.1', '200', '127.0.0.1'])
  assert.deepEqual([grpc, type], ['', 'application/json'])
})

test('headers are shown as they go on: edits by plugins, in UTF-8', async () => {
  await expose('edited', {})
  const config = { add: { headers: ['traceparent:né'] } }
  await kong.admin('POST', '/services/edited/plugins', { name: 'request-transformer', config })
  const answer = lineOf(() => get('/edited/'))
  assert.equal((await answer).trace, 'né')
  assert.equal(Buffer.from(String(upstream.seen.at(-1)?.headers.traceparent), 'latin1').toString(), 'né')
})

test('every try at a dead target is in the lists', async () => {
  const [dead] = (await freePorts(1)) as [number]
  await kong.admin('PUT', '/upstreams/two', {})
  await kong.admin('POST', '/upstreams/two/targets', { target: `127.0.0.1:${dead}` })
  await kong.admin('POST', '/upstreams/two/targets', { target: `127.0.0.1:${upstream.port}` })
  await expose('two', { host: 'two', retries: 5 })
  const lines = [await lineOf(() => get('/two/')), await lineOf(() => get('/two/'))]
  const retried = lines.find(({ addr }) => addr?.includes(','))
  assert.equal(retried?.addr, `127.0.0.1:${dead}, 127.0.0.1:${upstream.port}`)
  assert.equal(retried?.statuses, '502, 200')
  assert.match(retried?.connects ?? '', /^-, \d+\.\d{3}$/)
  assert.match(retried?.headers ?? '', /^-, \d+\.\d{3}$/)
  assert.match(retried?.times ?? '', /^\d+\.\d{3}, \d+\.\d{3}$/)
  assert.equal(retried?.status, '200')
})

test('when all is dead, the line is that of the error page', async () => {
  const [dead] = (await freePorts(1)) as [number]
  await expose('dead', { port: dead, retries: 1 })
  const line = await lineOf(() => kong.request({ path: '/dead/', method: 'POST', body: 'x' }))
  assert.deepEqual([line.addr, line.statuses], [`127.0.0.1:${dead}, 127.0.0.1:${dead}`, '502, 502'])
  assert.deepEqual([line.status, line.uri, line.method], ['502', '/kong_error_handler', 'GET'])
  assert.equal(line.request, 'POST /dead/ HTTP/1.1')
})

test('a try for which nobody is left ends the lists', async () => {
  const [dead] = (await freePorts(1)) as [number]
  await kong.admin('PUT', '/upstreams/marks', {
    healthchecks: { passive: { unhealthy: { tcp_failures: 1 } } },
  })
  await kong.admin('POST', '/upstreams/marks/targets', { target: `127.0.0.1:${dead}` })
  await expose('marks', { host: 'marks', retries: 5 })
  const line = await lineOf(() => get('/marks/'))
  assert.deepEqual([line.addr, line.statuses, line.status], [`127.0.0.1:${dead} : `, '502 : ', '503'])
})

test('without a route, and for refusals, the upstream fields are empty', async () => {
  const lost = await lineOf(() => get('/nowhere'))
  assert.deepEqual([lost.status, lost.addr, lost.statuses, lost.times, lost.host], ['404', '', '', '', ''])
  await expose('auth', {})
  await kong.admin('POST', '/services/auth/plugins', { name: 'key-auth' })
  const refused = await lineOf(() => get('/auth/'))
  assert.deepEqual([refused.status, refused.addr, refused.uri], ['401', '', '/auth/'])
})

test('a timeout is 504, and a client that goes away is 499 with a try that has no status', async () => {
  upstream.behave({ hang: true })
  await expose('slow', { read_timeout: 50, retries: 0 })
  const timedOut = await lineOf(() => get('/slow/'))
  assert.deepEqual([timedOut.status, timedOut.statuses, timedOut.headers], ['504', '504', '-'])
  await expose('gone', {})
  const gone = await lineOf(
    () =>
      new Promise<void>((resolve) => {
        const seen = upstream.seen.length
        const request = http.get({ port: kong.proxyPort, path: '/gone/', agent: false })
        request.on('error', () => resolve())
        void waitFor(() => upstream.seen.length > seen).then(() => request.destroy())
        request.on('close', () => resolve())
      }),
  )
  assert.deepEqual([gone.status, gone.statuses, gone.headers], ['499', '-', '-'])
  assert.equal(gone.addr, `127.0.0.1:${upstream.port}`)
  upstream.behave({})
})

test('what is no HTTP has a line too', async () => {
  const line = await lineOf(() => sendRaw(kong.proxyPort, 'BLA BLA\r\n\r\n'))
  assert.deepEqual([line.status, line.request, line.addr], ['400', '', ''])
})

test('sizes are those on the wire', async () => {
  await expose('sizes', {})
  const request = 'POST /sizes/ HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc'
  let received = ''
  const line = await lineOf(async () => {
    received = await sendRaw(kong.proxyPort, request)
  })
  assert.deepEqual([line.length, line.sent], [String(request.length), String(received.length)])
})

test('one datagram a request, none lost among thousand', async () => {
  const before = sink.datagrams.length
  const agent = new http.Agent({ keepAlive: true, maxSockets: 20 })
  await Promise.all(Array.from({ length: 1000 }, (_, n) => kong.request({ path: `/ok/${n}`, agent })))
  await waitFor(() => sink.datagrams.length >= before + 1000, { what: 'a thousand datagrams' })
  agent.destroy()
  const uris = sink.datagrams.slice(before).map((text) => /"uri":"([^"]+)"/.exec(text)?.[1])
  assert.equal(new Set(uris).size, 1000)
})

test("Kong's own access log switched off switches the feed off, and a file can be its target", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'feed-'))
  const file = join(folder, 'access.log')
  const toFile = await startGateway({ KONG_NGINX_PROXY_ACCESS_LOG: `${file} feed` })
  const silent = await startGateway({ KONG_PROXY_ACCESS_LOG: 'off' })
  try {
    const before = sink.datagrams.length
    assert.equal((await silent.request({ path: '/silent' })).status, 404)
    assert.equal((await toFile.request({ path: '/file' })).status, 404)
    const line = await waitFor(() => readFileSync(file, 'utf8'), { what: 'a line in the file' })
    assert.equal(JSON.parse(line).uri, '/file')
    assert.deepEqual(sink.datagrams.slice(before), [])
  } finally {
    await toFile.close()
    await silent.close()
    rmSync(folder, { recursive: true })
  }
})
