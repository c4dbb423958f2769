// What a running operator answers, with real Consul and Redis and the gateway, is what /openapi.json describes: of every
// endpoint, while all is well and while Redis, Kong or Consul is away.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { TOPIC } from '../../operator/legacy/topic.ts'
import { type Operator, startOperator } from '../../operator/sync/operator.ts'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import { type Attempt, badRequests, isStrict } from '../support/bad-requests.ts'
import { type Description, describedApi, type Route } from '../support/described-api.ts'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { oddRequests } from '../support/odd-requests.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait-for.ts'

const RUNS = Math.ceil(Number(process.env['FUZZ_RUNS'] ?? 100) / 10)
const V2 = '/api/v1/mesh/v2'
let stack: Stack
let redis: TestRedis
let echo: EchoServer
let api: Description
before(async () => {
  ;[stack, redis, echo] = await Promise.all([
    startStack({ ownGateway: true }),
    startRedis(),
    startEchoServer(),
  ])
  // Few changes of KV a second are expected of people; here they come at once.
  const config = { ...stack.config().api, writeRate: { perSecond: 1e6, burst: 1e6 } }
  await stack.startOperator({ redis: { url: redis.url }, api: config })
  await stack.consul.register({ Name: 'web', ID: 'web-1', Address: '127.0.0.1', Port: echo.port })
  await stack.consul.register({
    Name: 'idle',
    ID: 'idle-1',
    Address: '127.0.0.1',
    Port: 1,
    Check: { TTL: '600s' },
  })
  await waitFor(async () => (await fetch(`${stack.proxyUrl}/web/`)).status === 200)
  await stack.settled()
  api = describedApi(await (await fetch(`${stack.operator().url}/openapi.json`)).json())
})
after(async () => {
  await echo?.close()
  await Promise.all([stack?.stop(), redis?.stop()])
})

const answered = new Set<string>()

interface Asked {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: of any endpoint
  readonly body: any
  readonly headers: Headers
}

/** Asks, and looks whether what comes is as described. @param route e.g. `GET /discover/{service}`, below v2 unless it is none of it */
async function ask(
  route: string,
  {
    path = '',
    body,
    raw,
    headers = {},
    to = stack.operator(),
  }: {
    path?: string
    body?: unknown
    raw?: string
    headers?: Record<string, string>
    to?: Operator
  } = {},
): Promise<Asked> {
  const [method, described] = route.split(' ') as [string, string]
  const full = /^\/(api|internal|docs|healthz|readyz|metrics$|openapi)/.test(described)
    ? described
    : `${V2}${described}`
  const found = api.routes.find((each) => each.method === method && each.path === full)
  ok(found !== undefined, `${route} is described`)
  const url = `${to.url}${full.replace(/\{[^}]+\}.*|$/, '')}${path}`
  const json =
    body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } }
  const answer = await fetch(url, { method, headers, ...json, ...(raw === undefined ? {} : { body: raw }) })
  const text = await answer.text()
  const type = answer.headers.get('content-type') ?? ''
  equal(
    api.problemOf(found, { status: answer.status, type, text }),
    null,
    `${method} ${url}: ${answer.status}`,
  )
  if (answer.status < 300) answered.add(`${method} ${full}`)
  return {
    status: answer.status,
    body: type.includes('json') ? JSON.parse(text) : text,
    headers: answer.headers,
  }
}

const statusOf = async (...asked: Parameters<typeof ask>) => (await ask(...asked)).status
type Row = [route: string, asked: Parameters<typeof ask>[1], status: number]
const rows = async (list: readonly Row[]) => {
  for (const [route, asked, status] of list) {
    const answer = await ask(route, asked)
    equal(answer.status, status, `${route} ${JSON.stringify(asked)}: ${JSON.stringify(answer.body)}`)
  }
}

/** A service that is split in two. */
const SPLIT = [
  { Kind: 'service-defaults', Name: 'split', Protocol: 'http' },
  {
    Kind: 'service-resolver',
    Name: 'split',
    Subsets: { a: { OnlyPassing: true }, b: { OnlyPassing: true } },
  },
  {
    ...{ Kind: 'service-splitter', Name: 'split' },
    Splits: [
      { Weight: 90, ServiceSubset: 'a' },
      { Weight: 10, ServiceSubset: 'b' },
    ],
  },
]
const legs = (weight: number) => [
  { subset: 'a', weight: 100 - weight },
  { subset: 'b', weight },
]

/** Half an hour from now: nothing of it ends by itself while many requests are sent. */
const soon = () => new Date(Date.now() + 1_800_000).toISOString()

const BEAT = { service_name: 'told', address: '127.0.0.1', port: 9801, health_check: { ttl: '600s' } }

test('every endpoint answers as described while all is well', async () => {
  await stack.consul.setKey('mesh/services/idle', JSON.stringify({ expose: true }))
  for (const entry of SPLIT) await stack.consul.request('PUT', '/config', entry)
  await rows([
    ['POST /register', { body: BEAT }, 200],
    ['PUT /heartbeat/{service_id}', { path: 'told-127.0.0.1-9801', body: { status: 'degraded' } }, 200],
    ['DELETE /deregister/{service_id}', { path: 'told-127.0.0.1-9801' }, 200],
    ['GET /discover/{service}', { path: 'web' }, 200],
    ['GET /discover/{service}', { path: 'nobody?use_cache=false' }, 200],
    ['GET /services', {}, 200],
    ['GET /topology', {}, 200],
    ['GET /health', {}, 200],
    ['GET /metrics', {}, 200],
    ['GET /api/v1/mesh/v2/metrics', {}, 200],
    ['GET /status', {}, 200],
    ['GET /plan', {}, 200],
    ['GET /changes', {}, 200],
    ['GET /circuits', {}, 200],
    ['PUT /circuits/{service}', { path: 'web', body: { mode: 'metrics_only' } }, 200],
    ['GET /configure', {}, 200],
    ['GET /configure', { path: '?service=web' }, 200],
    ['POST /configure/load-balancer', { path: '?strategy=least_connections&service=web' }, 200],
    ['POST /configure/circuit-breaker', { body: { failure_threshold: 7, recovery_timeout: 30 } }, 200],
    ['POST /configure/health-check', { body: { when_all_critical: 'keep', service: 'web' } }, 200],
    ['POST /configure/rate-limit', { body: { minute: 600, service: 'web' } }, 200],
    ['POST /configure/tracing', { path: '?sampling_rate=0.5' }, 200],
    ['POST /configure/routing', { body: { hosts: ['shop.example.com'], service: 'web' } }, 200],
    ['GET /splits', { path: '?service=split' }, 200],
    ['POST /configure/split', { path: '?preview=true', body: { service: 'split', legs: legs(20) } }, 200],
    ['POST /configure/split', { body: { service: 'split', legs: legs(20) } }, 200],
    ['POST /configure/faults', { body: { service: 'idle', abort_percent: 5, until: soon() } }, 200],
    ['GET /explain', { path: `?url=${encodeURIComponent('http://web.mesh/x')}` }, 200],
    ['POST /call', { body: { service_name: 'web', path: '/a?b=1' } }, 200],
    ['PUT /services/{service}/pause', { path: 'web/pause', body: { for: '1m', reason: 'test' } }, 200],
    ['PUT /services/{service}/resume', { path: 'web/resume' }, 200],
    ['POST /identities', { body: { service: 'caller' } }, 200],
    ['POST /identities/rotate', { body: { service: 'caller', grace: '0s' } }, 200],
    ['GET /identities', { path: '?service=caller' }, 200],
    ['DELETE /identities/{service}', { path: 'caller' }, 200],
    ['GET /intentions', {}, 200],
    ['POST /apply', { body: { service: 'web' } }, 200],
    ['POST /enqueue', { body: { topic: 'jobs', task: { n: 1 } } }, 200],
    ['GET /results', { path: '?topic=jobs' }, 200],
    ['GET /agents', {}, 200],
    ['POST /api/v1/mesh/enqueue', { body: { topic: 'jobs', task: {} } }, 200],
    ['GET /api/v1/mesh/results', { path: '?topic=jobs&count=5' }, 200],
    ['GET /api/v1/mesh/agents', {}, 200],
    ['GET /api/v1/mesh/health', {}, 200],
    ['PUT /migrations/{topic}', { path: 'jobs', body: { mode: 'mirror', service: 'web' } }, 200],
    ['GET /migrations', {}, 200],
    ['GET /migrations/{topic}', { path: 'jobs' }, 200],
    ['GET /openapi.json', {}, 200],
    ['GET /docs', {}, 200],
    ['GET /healthz', {}, 200],
    ['GET /readyz', {}, 200],
  ])
  await redis.command('XADD', 'stream:dead:jobs', '*', 'json', '{"task":{"n":1},"reason":"x"}')
  await redis.command('XADD', 'stream:dead:jobs', '*', 'other', 'no json')
  equal((await ask('GET /migrations/{topic}/dead', { path: 'jobs/dead?count=5' })).body.total, 2)
  equal(await statusOf('POST /migrations/{topic}/dead/replay', { path: 'jobs/dead/replay', body: {} }), 200)
  await redis.command('XADD', 'stream:results:jobs', '*', 'raw', 'fields')
  await redis.command('SET', 'mesh:agent:a', '{"agent_id":"a","agent_type":"t","meta":{}}', 'EX', '1800')
  deepEqual((await ask('GET /results', { path: '?topic=jobs' })).body[0].data, { raw: 'fields' })
  equal((await ask('GET /agents')).body.count, 1)
})

test('canaries answer as described', async () => {
  const kinds = ['service-splitter', 'service-resolver', 'service-defaults']
  for (const entry of SPLIT) await stack.consul.request('PUT', '/config', { ...entry, Name: 'shop' })
  await stack.consul.register({ Name: 'shop', ID: 'shop-1', Address: '127.0.0.1', Port: echo.port })
  const start = { body: { service: 'shop', to: 'b', steps: [20], every: '1h' } }
  const isStarted = async () => (await ask('POST /canaries', start)).status === 200
  await waitFor(isStarted, { what: 'a canary that begins' })
  await rows([
    ['POST /canaries', start, 409],
    ['POST /canaries', { body: { service: 'shop', to: 'b', every: 'soon' } }, 422],
    ['GET /canaries', {}, 200],
    ['POST /canaries/{service}/abort', { path: 'shop/abort', body: { by: 'ada' } }, 200],
  ])
  await waitFor(isStarted, { what: 'the canary after it' })
  await rows([
    ['POST /canaries/{service}/promote', { path: 'shop/promote', body: {} }, 200],
    ['POST /canaries/{service}/promote', { path: 'nobody/promote', body: {} }, 404],
    ['GET /canaries', { path: '?service=shop' }, 200],
  ])
  await stack.consul.deregister('shop-1')
  for (const kind of kinds) await stack.consul.request('DELETE', `/config/${kind}/shop`)
})

test('overrides and adoption answer as described', async () => {
  await stack.settled()
  await stack.admin('PATCH', '/upstreams/idle.mesh', { algorithm: 'latency' })
  await statusOf('POST /apply', { body: {} })
  await waitFor(async () => (await ask('GET /overrides')).body.total === 1)
  await rows([
    ['DELETE /overrides/{entity}', { path: 'upstream%2Fidle.mesh?field=algorithm' }, 200],
    ['PUT /overrides/{entity}', { path: 'upstream%2Fidle.mesh', body: { field: 'algorithm' } }, 200],
    ['DELETE /overrides/{entity}', { path: 'upstream%2Fidle.mesh' }, 200],
    ['DELETE /overrides/{entity}', { path: 'upstream%2Fnobody.mesh' }, 404],
    ['DELETE /overrides/{entity}', { path: 'mesh.web' }, 404],
  ])
  await stack.admin('POST', '/upstreams', { name: 'later.mesh' })
  await stack.consul.register({ Name: 'later', ID: 'later-1', Address: '127.0.0.1', Port: echo.port })
  await waitFor(
    async () => (await ask('POST /adopt', { body: { kind: 'upstream', name: 'later.mesh' } })).status === 200,
  )
  await rows([
    ['POST /adopt', { body: { kind: 'upstream', name: 'later.mesh' } }, 409],
    ['POST /adopt', { body: { kind: 'upstream', name: 'nobody' } }, 404],
  ])
})

test('events and what plugin processes tell answer as described', async () => {
  const lines = { 'content-type': 'application/x-ndjson' }
  const ejection = {
    upstream: 'web.mesh',
    target: '127.0.0.1:9',
    untilMs: Date.now() + 60_000,
    owner: 'kong-1',
  }
  await rows([
    [
      'POST /internal/outcomes',
      { raw: '{"serviceId":null,"status":200,"tries":[]}\nno json\n', headers: lines },
      204,
    ],
    ['POST /internal/circuits', { body: { node: 'kong-1', atMs: Date.now(), epoch: 1, circuits: [] } }, 204],
    ['POST /internal/ejections', { body: ejection }, 204],
    ['POST /internal/ejections', { body: { ...ejection, owner: 'kong-2' } }, 409],
    ['DELETE /internal/ejections', { body: ejection }, 204],
    ['GET /internal/mesh', {}, 200],
  ])
  const ends = new AbortController()
  const listen = () => fetch(`${stack.operator().url}${V2}/events`, { signal: ends.signal })
  const listening = await Promise.all(Array.from({ length: 100 }, listen))
  ok(
    listening.every(
      ({ status, headers }) => status === 200 && headers.get('content-type') === 'text/event-stream',
    ),
  )
  equal(await statusOf('GET /events'), 503)
  answered.add(`GET ${V2}/events`)
  ends.abort()
  for (const each of listening) await each.body?.cancel().catch(() => {})
})

test('traces, numbers and alerts answer as described before there are any', async () => {
  const { body } = await ask('POST /silences', { body: { service: 'web', reason: 'test', for: '1m' } })
  await rows([
    ['GET /traces', {}, 200],
    ['GET /dependencies', {}, 200],
    ['GET /latency/{service}', { path: 'web' }, 404],
    ['GET /bottlenecks', {}, 200],
    ['GET /dashboard', {}, 200],
    ['GET /alerts', {}, 200],
    ['GET /silences', {}, 200],
    ['DELETE /silences/{id}', { path: String(body.id) }, 200],
    ['GET /services/{service}/metrics', { path: 'web/metrics' }, 200],
  ])
})

/** Their own tests look at these: what is held, streams, what needs traces that are stored, and the forms of other people's clients. */
const ELSEWHERE =
  /guard\/accept$|\/latency\/|\/outcomes$|\/traces\/\{id\}|^\S+ \/(?:api\/(?:services|operations|traces|dependencies)|v1\/traces)|^GET \/$/

test('no endpoint was left out', () => {
  const all = api.routes.map(({ method, path }) => `${method} ${path}`)
  deepEqual(
    all.filter((route) => !answered.has(route) && !ELSEWHERE.test(route)),
    [],
  )
})

test('what is not there is 404, and what does not go with what is there is 409', async () => {
  await stack.consul.setKey('mesh/services/broken', '{"retries": "many"}')
  await redis.command('XADD', 'stream:tasks:full', '*', 'json', '{}')
  const broken = { service: 'broken' }
  await rows([
    ['DELETE /deregister/{service_id}', { path: 'nobody-127.0.0.1-1' }, 404],
    ['PUT /heartbeat/{service_id}', { path: 'nobody-127.0.0.1-1' }, 404],
    ['PUT /heartbeat/{service_id}', { path: 'web-1' }, 409],
    ['POST /call', { body: { service_name: 'nobody' } }, 404],
    ['POST /call', { body: { service_name: 'idle', retry_count: 0 } }, 503],
    ['PUT /circuits/{service}', { path: 'nobody', body: { mode: 'auto' } }, 404],
    ['GET /configure', { path: '?service=nobody' }, 404],
    ['POST /configure/load-balancer', { body: { strategy: 'random', ...broken } }, 409],
    ['POST /configure/split', { body: { service: 'nobody', legs: legs(20) } }, 404],
    ['POST /configure/split', { body: { service: 'split', legs: legs(20), index: 1 } }, 409],
    ['POST /configure/circuit-breaker', { body: { failure_threshold: 5, ...broken } }, 409],
    ['POST /configure/health-check', { body: { degraded: 'weighted', ...broken } }, 409],
    ['POST /configure/rate-limit', { body: { minute: 5, ...broken } }, 409],
    ['POST /configure/tracing', { body: { enabled: true, ...broken } }, 409],
    ['POST /configure/routing', { body: { expose: true, ...broken } }, 409],
    ['POST /guard/accept', { body: { service: 'web' } }, 404],
    ['PUT /services/{service}/pause', { path: 'nobody/pause' }, 404],
    ['PUT /services/{service}/resume', { path: 'nobody/resume' }, 404],
    ['POST /identities', { body: { service: 'caller', method: 'key-auth' } }, 409],
    ['POST /identities/rotate', { body: { service: 'nobody' } }, 404],
    ['DELETE /identities/{service}', { path: 'nobody' }, 404],
    ['POST /apply', { body: { service: 'nobody' } }, 404],
    ['PUT /migrations/{topic}', { path: 'full', body: { mode: 'mesh', service: 'web' } }, 409],
  ])
})

test('a call without an answer in time is 504', async () => {
  echo.behave({ hang: true })
  equal(await statusOf('POST /call', { body: { service_name: 'web', timeout: 1 } }), 504)
  echo.behave({})
})

interface Everything {
  readonly [part: string]: unknown
}

/** All that a request could have changed. */
async function everything(): Promise<Everything> {
  const keys = (await stack.consul.request('GET', '/kv/mesh/?recurse')) as { Key: string; Value: string }[]
  const kong: Everything[] = []
  for (const kind of ['upstreams', 'services', 'routes', 'plugins'])
    kong.push((await stack.admin('GET', `/${kind}?size=1000`)).body.data)
  const names = ((await redis.command('KEYS', '*')) as string[]).sort()
  const streams = names.filter((name) => name.startsWith('stream:'))
  return {
    // Locks of the election and the operators' own words go on by themselves.
    settings: keys
      .filter(({ Key }) => /^mesh\/(services|defaults|migration|pause|ejections)/.test(Key))
      .map(({ Key, Value }) => [Key, Value]),
    agent: await stack.consul.request('GET', '/agent/services'),
    kong,
    redis: [names, await Promise.all(streams.map((name) => redis.command('XLEN', name)))],
  }
}

test('whatever does not fit is refused by the running operator too, and changes nothing anywhere', async () => {
  await stack.settled()
  const before = await everything()
  for (const route of api.routes.filter((each) => isStrict(each) && each.path !== `${V2}/events`)) {
    await fc.assert(
      fc.asyncProperty(badRequests(route), (bad) => isRefused(route, bad)),
      { numRuns: RUNS, endOnFailure: true },
    )
  }
  await stack.settled()
  deepEqual(await everything(), before)
})

test('what takes others’ forms finds no fault in whatever comes, and the rest of the mesh does not change', async () => {
  const before = await everything()
  for (const route of api.routes.filter((each) => !isStrict(each))) {
    await fc.assert(
      fc.asyncProperty(oddRequests(route), async (odd) => {
        const { status, text, where } = await send(route, odd)
        ok(status < 500, `${where}: ${text.slice(0, 200)}`)
      }),
      { numRuns: RUNS, endOnFailure: true },
    )
  }
  await stack.settled()
  deepEqual(await everything(), before)
})

async function isRefused(route: Route, bad: Attempt) {
  const { status, text, where } = await send(route, bad)
  ok(status >= 400 && status < 500, `${where}: ${text.slice(0, 200)}`)
}

async function send({ method }: Route, { url, headers, payload }: Attempt) {
  const body = payload === undefined ? {} : { body: payload as string }
  const answer = await fetch(`${stack.operator().url}${url}`, { method, headers, ...body })
  const where = `${method} ${url} ${String(payload).slice(0, 200)}: ${answer.status}`
  return { status: answer.status, text: await answer.text(), where }
}

test('names and paths that lead elsewhere are refused, or are nobody’s name; they never lead there', async () => {
  await stack.settled()
  const before = await everything()
  const names = [
    '..',
    '.',
    '../web',
    '..%2fweb',
    'web/../idle',
    'web?x=1',
    'web#x',
    '%2e%2e',
    'web\u0000',
    'web\r\nHost: x',
    '__proto__',
    'constructor',
    '‮web',
    'a'.repeat(600),
  ]
  for (const name of names) {
    const part = encodeURIComponent(name)
    const statuses = await Promise.all([
      statusOf('GET /configure', { path: `?service=${part}` }),
      statusOf('POST /call', { body: { service_name: name } }),
      statusOf('POST /call', {
        body: { service_name: 'web', path: `/${name}`, method: 'DELETE', headers: { Host: 'idle.mesh' } },
      }),
      statusOf('POST /apply', { body: { service: name } }),
      statusOf('POST /guard/accept', { body: { service: name } }),
      TOPIC.test(name) ? 404 : statusOf('POST /enqueue', { body: { topic: name, task: {} } }),
      fetch(`${stack.operator().url}${V2}/services/${part}/pause`, { method: 'PUT' }).then(
        ({ status }) => status,
      ),
      fetch(`${stack.operator().url}${V2}/discover/${part}`).then(({ status }) => status),
    ])
    ok(
      statuses.every((status) => status < 500),
      `${JSON.stringify(name)}: ${statuses}`,
    )
  }
  await stack.settled()
  deepEqual(await everything(), before)
  for (const { url, headers } of echo.seen.filter(({ method }) => method === 'DELETE')) {
    ok(!url.includes('..') && headers['x-forwarded-host'] === 'shop.example.com', url)
  }
})

test('without Redis the old API and migrations are 503, and all else goes on', async () => {
  await redis.kill()
  await rows([
    ['POST /enqueue', { body: { topic: 'jobs', task: {} } }, 503],
    ['GET /results', { path: '?topic=jobs' }, 503],
    ['GET /agents', {}, 503],
    ['POST /api/v1/mesh/enqueue', { body: { topic: 'jobs', task: {} } }, 503],
    ['GET /api/v1/mesh/results', { path: '?topic=jobs' }, 503],
    ['GET /api/v1/mesh/agents', {}, 503],
    ['GET /api/v1/mesh/health', {}, 503],
    ['GET /migrations', {}, 503],
    ['GET /migrations/{topic}', { path: 'jobs' }, 503],
    ['GET /migrations/{topic}/dead', { path: 'jobs/dead' }, 503],
    ['POST /migrations/{topic}/dead/replay', { path: 'jobs/dead/replay', body: {} }, 503],
    ['PUT /migrations/{topic}', { path: 'jobs', body: { mode: 'mesh', service: 'web' } }, 503],
    ['GET /discover/{service}', { path: 'web' }, 200],
    ['POST /call', { body: { service_name: 'web' } }, 200],
  ])
})

test('without Kong what needs it is 502 or 503, and the mesh is still told', async () => {
  await stack.gateway.close()
  await rows([
    ['POST /call', { body: { service_name: 'web', retry_count: 0 } }, 502],
    ['DELETE /overrides/{entity}', { path: 'upstream%2Fidle.mesh?field=algorithm' }, 503],
    ['PUT /overrides/{entity}', { path: 'upstream%2Fidle.mesh', body: { field: 'algorithm' } }, 503],
    ['POST /adopt', { body: { kind: 'upstream', name: 'web.mesh' } }, 503],
    ['GET /explain', { path: '?url=http%3A%2F%2Fweb.mesh%2F' }, 503],
    ['GET /plan', {}, 503],
    ['GET /discover/{service}', { path: 'web' }, 200],
    ['POST /register', { body: BEAT }, 200],
  ])
  await waitFor(async () => (await statusOf('GET /readyz')) === 503)
  equal((await ask('GET /health')).body.kong_connected, false)
})

test('without Consul what writes to it is 503, and the last that is known is told as stale', async () => {
  await stack.consul.kill()
  await waitFor(async () => (await ask('GET /health')).body.consul_connected === false)
  const discovered = await ask('GET /discover/{service}', { path: 'web' })
  deepEqual([discovered.body.stale, discovered.body.total], [true, 1])
  await rows([
    ['GET /discover/{service}', { path: 'nobody' }, 503],
    ['POST /register', { body: BEAT }, 503],
    ['PUT /heartbeat/{service_id}', { path: 'told-127.0.0.1-9801' }, 503],
    ['DELETE /deregister/{service_id}', { path: 'told-127.0.0.1-9801' }, 503],
    ['PUT /circuits/{service}', { path: 'web', body: { mode: 'auto' } }, 503],
    ['POST /configure/load-balancer', { body: { strategy: 'random' } }, 503],
    ['POST /configure/circuit-breaker', { body: { failure_threshold: 5 } }, 503],
    ['POST /configure/health-check', { body: { degraded: 'weighted' } }, 503],
    ['POST /configure/rate-limit', { body: { minute: 5 } }, 503],
    ['POST /configure/tracing', { body: { enabled: true } }, 503],
    ['POST /configure/routing', { body: { enabled: true } }, 503],
    ['PUT /services/{service}/pause', { path: 'web/pause', body: {} }, 503],
    ['PUT /services/{service}/resume', { path: 'web/resume' }, 503],
    ['POST /identities', { body: { service: 'caller' } }, 503],
    [
      'POST /internal/ejections',
      { body: { upstream: 'web.mesh', target: '127.0.0.1:9', untilMs: 0, owner: 'x' } },
      503,
    ],
    ['DELETE /internal/ejections', { body: { upstream: 'web.mesh', target: '127.0.0.1:9' } }, 503],
    ['GET /services', {}, 200],
    ['GET /topology', {}, 200],
  ])
})

test('docs/api.md has every route of a running operator, but for the files of its dashboard', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'api.md'), 'utf8')
  const documented = [...page.matchAll(/^\| `([A-Z]+ \/\S*)` \|/gm)].map(([, request]) => request!)
  const served = api.routes.map(({ method, path }) => `${method} ${path}`)
  deepEqual(documented.sort(), served.filter((request) => !/^GET \/(assets\/.*)?$/.test(request)).sort())
})

test('an operator that has not read Consul yet says so', async () => {
  const early = await startOperator(
    { ...stack.config(), operator: { id: 'early', advertise: undefined } },
    { log: silentLogger },
  )
  try {
    for (const route of [
      'GET /services',
      'GET /topology',
      'GET /health',
      'GET /configure',
      'GET /plan',
      'GET /readyz',
      'GET /internal/mesh',
    ])
      equal(await statusOf(route, { to: early }), 503, route)
    equal(await statusOf('POST /call', { to: early, body: { service_name: 'web' } }), 503)
    equal(await statusOf('GET /discover/{service}', { to: early, path: 'web' }), 503)
    equal(
      await statusOf('POST /enqueue', { to: early, body: { topic: 'jobs', task: {} } }),
      503,
      'it has no Redis',
    )
  } finally {
    await early.stop()
  }
})
