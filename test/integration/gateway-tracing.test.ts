// The tracing plugin in its own process, behind a gateway: what an upstream gets.
import { deepEqual, match, notEqual } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { type KongUnderTest, startKongUnderTest } from '../support/kong-under-test.ts'
import { type KongsulProcess, startKongsul } from '../support/kongsul-process.ts'
import { waitFor } from '../support/wait-for.ts'

const folder = mkdtempSync(join(tmpdir(), 'kt-'))
let plugins: KongsulProcess
let upstream: EchoServer
let kong: KongUnderTest

before(async () => {
  plugins = startKongsul(['plugins', '--socket-dir', folder, '--plugins-port', '0', '--port', 'feed=0'])
  await waitFor(() => /plugins: /.test(plugins.output()), { what: 'the plugin server' })
  upstream = await startEchoServer()
  kong = await startKongUnderTest({
    alwaysOwn: true,
    env: {
      KONG_WORKER_STATE_UPDATE_FREQUENCY: '0.1',
      KONG_PLUGINS: 'bundled,mesh-tracing',
      KONG_PLUGINSERVER_NAMES: 'mesh-tracing',
      KONG_PLUGINSERVER_MESH_TRACING_SOCKET: join(folder, 'mesh-tracing.sock'),
      KONG_PLUGINSERVER_MESH_TRACING_QUERY_CMD: `cat ${join(folder, 'mesh-tracing.json')}`,
    },
  })
  await kong.admin('PUT', '/services/web', { host: '127.0.0.1', port: upstream.port })
  await kong.admin('PUT', '/routes/web', { service: { name: 'web' }, paths: ['/web/'] })
  const { status, body } = await kong.admin('POST', '/services/web/plugins', { name: 'mesh-tracing' })
  if (status !== 201) throw new Error(JSON.stringify(body))
})
after(async () => {
  await kong?.close()
  await upstream?.close()
  await plugins?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const headersSeen = (text: string): Record<string, string> => JSON.parse(text).headers

test('an upstream gets the trace of the caller with the gateway as its parent, and no mesh header of a client', async () => {
  const trace = '0af7651916cd43dd8448eb211c80319c'
  const headers = { traceparent: `00-${trace}-b7ad6b7169203331-01`, 'x-mesh-route': 'forged/route' }
  const seen = await waitFor(async () => {
    const answer = await kong.request({ path: '/web/', headers })
    const got = answer.status === 200 ? headersSeen(answer.text) : {}
    return 'x-mesh-span' in got ? got : null // a new plugin takes a moment to be live
  })
  const [version, id, parent, flags] = seen['traceparent']!.split('-')
  deepEqual([version, id, flags], ['00', trace, '01'])
  notEqual(parent, 'b7ad6b7169203331')
  match(seen['x-mesh-route']!, /^[0-9a-f-]{36}\/$/)
  match(seen['x-mesh-span']!, /^b7ad6b7169203331-[0-9a-f]{16}$/)
})

test('a request without a trace begins one', async () => {
  const { text } = await kong.request({ path: '/web/' })
  match(headersSeen(text)['traceparent']!, /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[13]$/)
})

test('a client cannot tell an upstream who it is: headers that Kong writes for consumers never come from outside', async () => {
  const forged = {
    'X-Consumer-Username': 'root',
    'x-consumer-groups': 'admins',
    'X-Credential-Identifier': '1',
    x_consumer_id: '1',
    'x-request-id': 'kept',
  }
  const seen = headersSeen((await kong.request({ path: '/web/', headers: forged })).text)
  const left = Object.keys(seen).filter((name) => /consumer|credential/.test(name))
  deepEqual([left, seen['x-request-id']], [[], 'kept'])
})

test('nor does one that hides them behind more headers than a plugin is told of', async () => {
  const many = Object.fromEntries(Array.from({ length: 1_100 }, (_, at) => [`h${at}`, '1']))
  const forged = {
    'x-consumer-username': 'root',
    x_consumer_id: '1',
    'X-Consumer-Custom-ID': '1',
    'x-consumer-groups': 'admins',
    'x-credential-identifier': '1',
    'x-anonymous-consumer': 'true',
    'x-authenticated-groups': 'admins',
  }
  const { status, text } = await kong.request({ path: '/web/', headers: { ...many, ...forged } })
  const seen = status === 200 ? headersSeen(text) : {}
  const left = Object.keys(seen).filter((name) => /consumer|credential|authenticated/.test(name))
  deepEqual([status, left, seen['h0'], seen['h1099']], [200, [], '1', '1'])
})
