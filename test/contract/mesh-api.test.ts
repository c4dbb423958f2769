// The API against its own description: every route is described, every example fits, and whatever does not fit is
// refused with 4xx before anything is asked or changed. Those that take others' forms: lenient-api. What answers it gives
// otherwise: integration/described-answers.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { ConsulError } from '../../operator/consul/consul-error.ts'
import { CODES } from '../../operator/http/api-error.ts'
import { RequestError } from '../../operator/http/request-error.ts'
import { badRequests, HUGE, isStrict, schemaOf } from '../support/bad-requests.ts'
import { bareApi } from '../support/bare-api.ts'
import { describedApi, exampleUrl, GENERAL_ERRORS, type Route, urlOf } from '../support/described-api.ts'

const FREELY = { writeRate: { perSecond: 1e9, burst: 1e9 } }
const { app, asked } = bareApi({ guard: FREELY })
/** Of each route, which are 22,500 of all; `npm run soak` makes more of them. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 300)

const description = describedApi(JSON.parse((await app.inject('/openapi.json')).body))
const { routes } = description
const LEGACY = ['POST /enqueue', 'GET /results', 'GET /agents']
before(() => app.ready())
after(() => app.close())

test('every route has its line, and what fastify answers is described', () => {
  const told = app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', path = '', methods = ''] = /^([│ ]*)[├└]── (\S+) \(([A-Z, ]+)\)$/.exec(line) ?? []
      return path === '' ? [] : [{ depth: indent.length, path, methods: methods.split(', ') }]
    })
  ok(told.length > 10)
  const described = new Set(routes.map(({ method, path }) => `${method} ${path}`))
  equal(described.size, routes.length)
  for (const { method, path, operation } of routes) {
    ok(operation.summary.length > 10, `${method} ${path} has no summary`)
    ok(app.hasRoute({ method: method as 'GET', url: path.replaceAll(/\{([a-z_]+)\}/g, ':$1') }), path)
  }
  const methods = told.flatMap((each) => each.methods.filter((method) => method !== 'HEAD'))
  equal(methods.length, routes.length)
})

test('the routes of the contract are there', () => {
  const V2 = '/api/v1/mesh/v2'
  const wanted = [
    'POST /register',
    'PUT /heartbeat/{service_id}',
    'DELETE /deregister/{service_id}',
    'GET /discover/{service}',
    'GET /services',
    'POST /call',
    'GET /topology',
    'GET /health',
    'GET /metrics',
    'PUT /services/{service}/pause',
    'PUT /services/{service}/resume',
    'GET /explain',
    ...['load-balancer', 'circuit-breaker', 'health-check', 'rate-limit', 'tracing', 'routing'].map(
      (what) => `POST /configure/${what}`,
    ),
    'GET /configure',
    'GET /overrides',
    'DELETE /overrides/{entity}',
    'GET /circuits',
    'PUT /circuits/{service}',
    'GET /changes',
    'GET /traces',
    'GET /traces/{id}',
    'GET /dependencies',
    'GET /latency/{service}',
    'GET /bottlenecks',
    'GET /dashboard',
    'GET /alerts',
    'GET /silences',
    'POST /silences',
    'DELETE /silences/{id}',
    'GET /outcomes',
    'GET /events',
    ...LEGACY,
  ].map((route) => route.replace(' ', ` ${V2}`))
  const old = [...LEGACY, 'GET /health'].map((route) => route.replace(' ', ' /api/v1/mesh'))
  const described = routes.map(({ method, path }) => `${method} ${path}`)
  deepEqual(
    [...wanted, ...old].filter((route) => !described.includes(route)),
    [],
  )
})

test('every example fits the description', () => {
  for (const { method, path, operation } of routes) {
    for (const { name, schema, example } of operation.parameters) {
      if (example !== undefined) ok(schemaOf(schema).safeParse(example).success, `${method} ${path} ${name}`)
    }
    const body = operation.requestBody?.content['application/json']
    if (body?.example) ok(schemaOf(body.schema).safeParse(body.example).success, `${method} ${path}`)
  }
})

test('the page is the page alone', async () => {
  const page = await app.inject('/docs')
  equal(page.statusCode, 200)
  ok(page.body.includes('/api/v1/mesh/v2/register') && !/<script|src=|@import|url\(/.test(page.body))
  ok(String(page.headers['content-security-policy']).startsWith("default-src 'none'"))
})

test('every status that is described has its code on the page', async () => {
  const { body } = await app.inject('/docs')
  const described = routes.flatMap(({ operation }) => Object.keys(operation.responses)).map(Number)
  for (const status of new Set(described.filter((each) => each >= 400))) {
    ok(CODES[status] !== undefined && body.includes(`${status} <code>${CODES[status]}</code>`), `${status}`)
  }
})

/** By name: what is behind these is no source that could throw. */
const NOT_BY_A_SOURCE = ['GET /api/v1/mesh/v2/events', 'GET /readyz']
const failing = bareApi({ guard: FREELY })
after(() => failing.app.close())
async function failed(route: Route, error: Error) {
  failing.fail(error)
  const body = route.operation.requestBody?.content['application/json'].example
  const answer = await failing.app.inject({
    method: route.method as 'GET',
    url: exampleUrl(route),
    headers: { host: 'localhost' },
    ...(body === undefined ? {} : { payload: body }),
  })
  const type = String(answer.headers['content-type'])
  const { statusCode: status, body: text } = answer
  return {
    status,
    text,
    problem: status === 500 ? null : description.problemOf(route, { status, type, text }),
  }
}
for (const route of routes.filter(isOurForm)) {
  const name = `${route.method} ${route.path}`
  const special = Object.keys(route.operation.responses)
    .map(Number)
    .filter((status) => status >= 400 && !GENERAL_ERRORS.includes(status))
  if (special.length === 0 || NOT_BY_A_SOURCE.includes(name)) continue
  test(`${name} tells ${special.join(', ')} as it is described, and all that Consul says no to`, async () => {
    for (const status of special) {
      const answer = await failed(route, new RequestError(status, 'said so'))
      deepEqual([answer.status, answer.problem], [status, null], name)
      ok(answer.text.includes('said so'))
    }
    const away = await failed(route, new ConsulError('CONSUL_UNREACHABLE', 'kv.get', 'nobody answers'))
    const denied = await failed(route, new ConsulError('CONSUL_DENIED', 'kv.set', 'permission denied'))
    deepEqual(
      [denied.status, denied.problem, away.problem],
      [away.status === 503 ? 502 : 500, null, null],
      name,
    )
  })
}

const READER = 'reader-token-0123456789'
const WRITER = 'writer-token-0123456789'
const tokens = { find: (token: string) => BEARERS.get(token) ?? null }
const BEARERS = new Map([
  [READER, { name: 'reader', rights: 'read' as const }],
  [WRITER, { name: 'writer', rights: 'write' as const }],
])
/** As it is on loopback, on any other address, and for a client that has written enough. */
const doors = {
  near: app,
  far: bareApi({ host: '0.0.0.0', guard: { ...FREELY, tokens } }).app,
  slow: bareApi({ guard: { writeRate: { perSecond: 2, burst: 0 } } }).app,
  fed: bareApi({}, 'token-of-the-feed').app,
}
after(() => Promise.all([doors.far.close(), doors.slow.close(), doors.fed.close()]))

interface Refused {
  readonly door?: keyof typeof doors
  readonly url?: string
  readonly headers?: Record<string, string>
  readonly payload?: string | Buffer
  readonly remoteAddress?: string
}

const JSON_TYPE = { 'content-type': 'application/json' }
const refusals: Readonly<Record<number, (route: Route) => Refused>> = {
  400: (route) =>
    hasBody(route) ? { headers: JSON_TYPE, payload: '{' } : { url: `${urlOf(route).split('?')[0]}%zz` },
  401: (route) => ({ door: isInternal(route) ? 'fed' : 'far' }),
  403: (route) =>
    isInternal(route) ? { remoteAddress: '10.1.2.3' } : { headers: { origin: 'http://evil.example' } },
  413: (route) => ({ headers: isLines(route) ? LINES : JSON_TYPE, payload: isInternal(route) ? VAST : HUGE }),
  415: () => ({ headers: { 'content-type': 'text/plain' }, payload: 'x' }),
  421: () => ({ headers: { host: 'evil.example' } }),
  422: (route) =>
    hasBody(route)
      ? { headers: JSON_TYPE, payload: '{"no_such_field":1}' }
      : { url: urlOf(route, { no_such_field: '1' }) },
  429: () => ({ door: 'slow' }),
}
const LINES = { 'content-type': 'application/x-ndjson' }
const VAST = Buffer.alloc(17 * 1024 * 1024, 0x20)
const hasBody = ({ operation }: Route) => operation.requestBody !== undefined
const isInternal = ({ operation }: Route) => operation['x-door'] === 'internal'
/** Jaeger's and OTLP's clients get errors in the form that they know: their own tests look at those. */
function isOurForm({ path }: Route): boolean {
  return !/^\/(api\/(services|operations|traces|dependencies)|v1\/traces)/.test(path)
}
const isLines = ({ path }: Route) => path === '/internal/outcomes'

for (const route of routes.filter(isOurForm)) {
  const statuses = Object.keys(route.operation.responses)
    .map(Number)
    .filter((status) => GENERAL_ERRORS.includes(status))
  test(`${route.method} ${route.path} answers ${statuses.join(', ')} as it is described`, async () => {
    for (const status of statuses) {
      const { door = 'near', url = urlOf(route), headers = {}, ...rest } = refusals[status]!(route)
      const answer = await doors[door].inject({
        method: route.method as 'GET',
        url,
        headers: { host: 'localhost', ...headers },
        ...rest,
      })
      const { statusCode, body } = answer
      equal(statusCode, status, `${route.method} ${url}: ${statusCode} ${body.slice(0, 200)}`)
      const type = String(answer.headers['content-type'])
      equal(description.problemOf(route, { status, type, text: body }), null)
      if (status === 429) equal(answer.headers['retry-after'], '1')
      if (status === 401 && !isInternal(route)) equal(answer.headers['www-authenticate'], 'Bearer')
    }
  })
}

test('a token that may only read is not let in where something is changed, and one that may write is', async () => {
  const guarded = routes.filter(({ operation }) => !['open', 'internal'].includes(operation['x-door']))
  for (const route of guarded.filter(isOurForm)) {
    const isReading = route.method === 'GET'
    const visit = async (token: string) => {
      const headers = { host: 'localhost', authorization: `Bearer ${token}` }
      const url = urlOf(route, { no_such_field: '1' })
      return (await doors.far.inject({ method: route.method as 'GET', url, headers })).statusCode
    }
    const { method, path } = route
    deepEqual([await visit(READER), await visit(WRITER)], [isReading ? 422 : 403, 422], `${method} ${path}`)
  }
})

const namesField = (detail: { field?: unknown; message?: unknown }) =>
  typeof detail.field === 'string' && typeof detail.message === 'string'

for (const route of routes.filter(isStrict)) {
  test(`${route.method} ${route.path} refuses what does not fit, and asks nothing`, async () => {
    const property = fc.asyncProperty(badRequests(route), async ({ url, headers, payload }) => {
      asked.length = 0
      const answer = await app.inject({
        method: route.method as 'GET',
        url,
        headers: { host: 'localhost', ...headers },
        ...(payload === undefined ? {} : { payload }),
      })
      const where = `${route.method} ${url} ${String(payload).slice(0, 200)}: ${answer.statusCode} ${answer.body.slice(0, 200)}`
      ok(answer.statusCode >= 400 && answer.statusCode < 500, where)
      const { error, detail } = answer.json()
      ok(typeof error.code === 'string' && error.message === detail && Array.isArray(error.details), where)
      if (answer.statusCode === 422) ok(error.details.length > 0 && error.details.every(namesField), where)
      deepEqual(asked, [], where)
    })
    await fc.assert(property, { numRuns: RUNS, endOnFailure: true })
  })
}
