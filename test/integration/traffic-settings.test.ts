// Limits, access by address, sizes, CORS and headers: from Consul's KV to what the gateway answers.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import http from 'node:http'
import { after, before, test } from 'node:test'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { type KongRow, type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
let echo: EchoServer
let proxy: FaultyProxy
/** Kong answers nothing that it is asked about schemas. */
let isMute = false

before(async () => {
  stack = await startStack()
  echo = await startEchoServer()
  proxy = await startFaultyProxy(stack.adminUrl, (_method, path) =>
    isMute && path.startsWith('/schemas/plugins/validate') ? 'refuse-500' : 'none',
  )
  // Written before the operator starts: what is there already is checked as well.
  await set('early', { rateLimit: { second: 10, minute: 5 } })
  for (const name of ['early', 'limit', 'access', 'size', 'cors', 'headers', 'wait', 'hand', 'entry']) {
    await stack.consul.register({ Name: name, ID: `${name}-1`, Address: '127.0.0.1', Port: echo.port })
  }
  await stack.startOperator({ kong: { adminUrl: proxy.url } })
  await stack.settled()
})
after(async () => {
  await stack.stop()
  await proxy.close()
  await echo.close()
})

const set = (service: string, document: object) =>
  stack.consul.setKey(`mesh/services/${service}`, JSON.stringify(document))

interface Seen {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  /** Headers that the service got. */
  readonly sent: http.IncomingHttpHeaders
}

function ask(
  service: string,
  headers: Record<string, string> = {},
  method = 'GET',
  body = '',
): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const options = { method, agent: false, headers: { host: `${service}.mesh`, ...headers } }
    const request = http.request(`${stack.proxyUrl}/`, options, (answer) => {
      let text = ''
      answer.on('data', (chunk) => {
        text += chunk
      })
      answer.on('end', () => {
        const sent = text.startsWith('{"port"') ? JSON.parse(text).headers : {}
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, sent })
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

const pluginsOf = async (service: string): Promise<KongRow[]> =>
  (await stack.admin('GET', `/services/mesh.${service}/plugins`)).body.data ?? []
const pluginOf = (service: string, name: string): Promise<KongRow> =>
  waitFor(async () => (await pluginsOf(service)).find((row) => row.name === name), {
    what: `${name} on ${service}`,
  })
const problemsOf = (service: string) =>
  stack
    .operator()
    .status()
    .problems.filter((each) => each.service === service)
const asked = () => proxy.requests.filter((line) => line === 'POST /schemas/plugins/validate').length

test('a document that Kong refuses makes no plugin and is told in KV by its field', async () => {
  const status = await waitFor(async () => {
    const answer = await fetch(`${stack.consul.url}/v1/kv/mesh/status/early?raw`)
    return answer.ok ? ((await answer.json()) as KongRow) : null
  })
  match(
    status.errors[0],
    /^rateLimit\.minute is refused by Kong: The limit for minute\(5\.0\) cannot be lower/,
  )
  deepEqual([status.state, status.document], ['refused', 'mesh/services/early'])
  deepEqual(await pluginsOf('early'), [])
  await waitFor(async () => (await ask('early')).status === 200, {
    what: 'the service being served without it',
  })
})

test('callers are limited each by itself, and the last good limit stays when the next one is refused', async () => {
  await set('limit', { rateLimit: { hour: 2, limitBy: 'header', header: 'X-Caller' } })
  await pluginOf('limit', 'rate-limiting')
  const by = async (caller: string) => (await ask('limit', { 'x-caller': caller })).status
  let callers = 0
  const isLimited = async () => {
    const caller = `a${callers++}`
    return (await by(caller)) === 200 && (await by(caller)) === 200 && (await by(caller)) === 429
  }
  await waitFor(isLimited, { what: 'a caller being limited' })
  equal(await by('b'), 200)
  await set('limit', { rateLimit: { day: 1, hour: 9, limitBy: 'ip' } })
  await waitFor(() => problemsOf('limit').find(({ code }) => code === 'SETTING_INVALID'))
  await stack.settled()
  const { config } = await pluginOf('limit', 'rate-limiting')
  deepEqual([config.hour, config.day, config.limit_by], [2, null, 'header'])
  // Without the section the plugin goes.
  await set('limit', {})
  await waitFor(async () => (await pluginsOf('limit')).length === 0)
  deepEqual(problemsOf('limit'), [])
})

test('addresses are let in or kept out, sizes are bounded', async () => {
  await set('access', { access: { deny: ['127.0.0.0/8'] } })
  await waitFor(async () => (await ask('access')).status === 403)
  await set('access', { access: { allow: ['127.0.0.1'] } })
  await waitFor(async () => (await ask('access')).status === 200)
  await set('size', { requestSize: { maxBytes: 100 } })
  await waitFor(async () => (await ask('size', {}, 'POST', 'x'.repeat(101))).status === 413)
  equal((await ask('size', {}, 'POST', 'x'.repeat(100))).status, 200)
})

test('CORS is answered at the gateway', async () => {
  await set('cors', { cors: { origins: ['http://shop.example'], credentials: true, maxAgeSeconds: 60 } })
  const asking = { origin: 'http://shop.example', 'access-control-request-method': 'PUT' }
  const { headers } = await waitFor(async () => {
    const answer = await ask('cors', asking, 'OPTIONS')
    return answer.headers['access-control-max-age'] === undefined ? null : answer
  })
  deepEqual(
    [headers['access-control-allow-origin'], headers['access-control-allow-credentials']],
    ['http://shop.example', 'true'],
  )
})

test('headers of requests and answers are changed, and a service-router’s changes come on top', async () => {
  await set('headers', {
    headers: {
      request: {
        set: { 'X-Env': 'prod', 'X-Team': 'shop' },
        remove: ['X-Debug'],
        rename: { 'X-Old': 'X-New' },
      },
      response: { add: { 'X-Served-By': 'mesh' } },
    },
  })
  const sent = { 'x-debug': '1', 'x-old': 'kept', 'x-env': 'client' }
  const before = await waitFor(async () => {
    const answer = await ask('headers', sent)
    // Two plugins, and Kong takes up each when it sees it.
    return answer.headers['x-served-by'] === 'mesh' && answer.sent['x-new'] === 'kept' ? answer : null
  })
  const told = ({ sent: got }: Seen) => [
    got['x-env'],
    got['x-team'],
    got['x-debug'],
    got['x-new'],
    got['x-old'],
  ]
  deepEqual(told(before), ['prod', 'shop', undefined, 'kept', undefined])
  await stack.consul.request('PUT', '/config', {
    Kind: 'service-defaults',
    Name: 'headers',
    Protocol: 'http',
  })
  await stack.consul.request('PUT', '/config', {
    Kind: 'service-router',
    Name: 'headers',
    Routes: [{ Match: { HTTP: { PathPrefix: '/' } }, Destination: { NumRetries: 7 } }],
  })
  await stack.settled()
  await waitFor(async () => (await ask('headers', sent)).sent['x-env'] === 'prod')
  const names = async () => {
    const { body } = await stack.admin('GET', '/plugins?size=1000')
    return body.data.map((row: KongRow) => `${row.name} ${row.service.id}`)
  }
  const all = await names()
  equal(new Set(all).size, all.length)
  await stack.consul.request('DELETE', '/config/service-router/headers')
})

test('while Kong does not say whether a setting is good it waits, refused by nobody', async () => {
  await set('wait', { rateLimit: { minute: 5 } })
  await pluginOf('wait', 'rate-limiting')
  isMute = true
  const before = asked()
  await set('wait', { retries: 7, rateLimit: { minute: 6 } })
  await waitFor(() => asked() > before)
  await set('hand', { retries: 4 })
  const retriesOf = async (service: string) =>
    (await stack.admin('GET', `/services/mesh.${service}`)).body.retries
  await waitFor(async () => (await retriesOf('hand')) === 4, { what: 'another service going on' })
  deepEqual([(await pluginOf('wait', 'rate-limiting')).config.minute, await retriesOf('wait')], [5, 3])
  deepEqual(problemsOf('wait'), [])
  isMute = false
  await waitFor(async () => (await pluginOf('wait', 'rate-limiting')).config.minute === 6)
  equal(await retriesOf('wait'), 7)
})

test('what was asked once is not asked again, whatever passes', async () => {
  await stack.settled()
  const before = asked()
  await stack.operator().apply(null)
  await set('entry', { retries: 2 })
  await waitFor(async () => (await stack.admin('GET', '/services/mesh.entry')).body.retries === 2)
  await stack.settled()
  equal(asked(), before)
})

test('a limit that a person sets on the plugin is kept and reported', async () => {
  await set('hand', { rateLimit: { minute: 5 } })
  const { id } = await pluginOf('hand', 'rate-limiting')
  await stack.settled()
  await stack.admin('PATCH', `/plugins/${id}`, { config: { minute: 500 } })
  await stack.operator().apply('hand')
  const override = await waitFor(() =>
    stack
      .operator()
      .status()
      .overrides.find(({ service }) => service === 'hand'),
  )
  deepEqual([override.field, override.wanted, override.actual], ['config.minute', 5, 500])
  await set('hand', { rateLimit: { minute: 6, hour: 900 } })
  await waitFor(async () => (await pluginOf('hand', 'rate-limiting')).config.hour === 900)
  equal((await pluginOf('hand', 'rate-limiting')).config.minute, 500)
})

test('POST /configure/rate-limit asks Kong before it writes', async () => {
  const post = async (body: object) => {
    const answer = await fetch(`${stack.operator().url}/api/v1/mesh/v2/configure/rate-limit`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ service: 'entry', ...body }),
    })
    return { status: answer.status, body: (await answer.json()) as KongRow }
  }
  const refused = await post({ second: 10, minute: 5 })
  equal(refused.status, 422)
  equal(refused.body.error.details[0].field, 'minute')
  ok(!(await (await fetch(`${stack.consul.url}/v1/kv/mesh/services/entry?raw`)).text()).includes('rateLimit'))
  const taken = await post({ minute: 50, limit_by: 'ip' })
  deepEqual([taken.status, taken.body.minute, taken.body.limit_by], [200, 50, 'ip'])
  equal((await pluginOf('entry', 'rate-limiting')).config.minute, 50)
})
