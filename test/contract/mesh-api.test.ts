// The API against its own description: every route is described, every example fits, and whatever does not fit is
// refused with 4xx before anything is asked or changed.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { bareApi } from '../support/bare-api.ts'

interface Operation {
  readonly summary: string
  readonly 'x-door': string
  readonly parameters: readonly {
    name: string
    in: 'path' | 'query'
    required: boolean
    schema: object
    example?: string
  }[]
  readonly requestBody?: { content: { 'application/json': { schema: object; example?: object } } }
  readonly responses: Readonly<Record<string, object>>
}
interface Route {
  readonly method: string
  readonly path: string
  readonly operation: Operation
}

const { app, asked } = bareApi({ guard: { writeRate: { perSecond: 1e9, burst: 1e9 } } })
const RUNS = 2_000

const description = JSON.parse((await app.inject('/openapi.json')).body)
const routes: Route[] = Object.entries(
  description.paths as Record<string, Record<string, Operation>>,
).flatMap(([path, operations]) =>
  Object.entries(operations).map(([method, operation]) => ({
    method: method.toUpperCase(),
    path,
    operation,
  })),
)
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
  ].map((route) => route.replace(' ', ` ${V2}`))
  const described = routes.map(({ method, path }) => `${method} ${path}`)
  deepEqual(
    wanted.filter((route) => !described.includes(route)),
    [],
  )
})

const made = new WeakMap<object, z.ZodType>()
/** Made once of each: it takes longer than a request. */
function schemaOf(schema: object): z.ZodType {
  const known = made.get(schema) ?? zodOf(schema)
  made.set(schema, known)
  return known
}
const zodOf = (schema: object) => z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])

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

interface Attempt {
  readonly url: string
  readonly headers: Record<string, string>
  readonly payload?: string | Buffer
}

const HUGE = Buffer.from(JSON.stringify({ a: 'x'.repeat(1024 * 1024) }))
const DEEP = `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`
const JSON_TYPE = { 'content-type': 'application/json' }

function urlOf({ path, operation }: Route, query: Record<string, string> = {}): string {
  const params = operation.parameters.filter((each) => each.in === 'path')
  const filled = params.reduce(
    (text, { name, example }) => text.replace(`{${name}}`, encodeURIComponent(example ?? 'x')),
    path,
  )
  const given = operation.parameters.filter((each) => each.in === 'query' && each.required)
  const all = { ...Object.fromEntries(given.map(({ name, example }) => [name, example ?? 'x'])), ...query }
  const text = new URLSearchParams(all).toString()
  return text === '' ? filled : `${filled}?${text}`
}

const junk = fc.oneof(
  fc.constantFrom(null, true, -1, 1.5, 1e308, '', ' ', '\u0000', '..', '../../etc/passwd', [], {}, [[]]),
  fc.string({ maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 10 }),
  fc.jsonValue({ maxDepth: 3 }),
)
const unknownName = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', ''),
  fc.stringMatching(/^zz[a-z_]{0,10}$/),
)

/** Whatever it is, it does not fit. */
function attempts(route: Route): fc.Arbitrary<Attempt> {
  const { operation, method } = route
  const plain = { url: urlOf(route), headers: {} }
  const inQuery = unknownName.chain((name) =>
    fc.string({ maxLength: 20 }).map((value) => ({ ...plain, url: urlOf(route, { [name]: value }) })),
  )
  const kinds: { weight: number; arbitrary: fc.Arbitrary<Attempt> }[] = [{ weight: 10, arbitrary: inQuery }]
  for (const { name, schema, in: where } of operation.parameters) {
    const wrong = junk
      .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
      .filter((text) => text !== '' && !schemaOf(schema).safeParse(text).success)
    const isLoose = schemaOf(schema).safeParse('zz').success && schemaOf(schema).safeParse('\u0001').success
    if (isLoose) continue
    kinds.push({
      weight: 5,
      arbitrary: wrong.map((value) => {
        if (where === 'query') return { ...plain, url: urlOf(route, { [name]: value }) }
        return { ...plain, url: route.path.replace(`{${name}}`, encodeURIComponent(value)) }
      }),
    })
  }
  if (method !== 'GET') {
    const base = (operation.requestBody?.content['application/json'].example ?? {}) as Record<string, unknown>
    const schema = operation.requestBody?.content['application/json'].schema ?? {
      type: 'object',
      properties: {},
      additionalProperties: false,
    }
    const withBody = (payload: string | Buffer, headers: Record<string, string> = JSON_TYPE): Attempt => ({
      ...plain,
      headers,
      payload,
    })
    const extra = fc
      .tuple(unknownName, junk)
      .map(([name, value]) =>
        withBody(
          `${JSON.stringify(base).slice(0, -1)}${Object.keys(base).length > 0 ? ',' : ''}${JSON.stringify(name)}:${JSON.stringify(value)}}`,
        ),
      )
    const names = Object.keys((schema as { properties?: object }).properties ?? {})
    const wrongField =
      names.length === 0
        ? extra
        : fc
            .tuple(fc.constantFrom(...names), junk)
            .map(([name, value]) => ({ ...base, [name]: value }))
            .filter((body) => !schemaOf(schema).safeParse(body).success)
            .map((body) => withBody(JSON.stringify(body)))
    const noObject = fc.constantFrom('[]', '1', '"x"', 'true', '[{}]').map((text) => withBody(text))
    const noJson = fc
      .oneof(
        fc.constantFrom('{', '{"a":}', "{'a':1}", '{"a":1}}', '\u0000', DEEP),
        fc.stringMatching(/^[a-z{][ -~]{0,20}$/),
      )
      .filter((text) => text === DEEP || !isJson(text))
      .map((text) => withBody(text))
    const noUtf8 = fc
      .constantFrom([0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80])
      .map((bytes) =>
        withBody(Buffer.concat([Buffer.from('{"zz":"'), Buffer.from(bytes), Buffer.from('"}')])),
      )
    const noType = fc
      .constantFrom(
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'text/json',
      )
      .map((type) => withBody(JSON.stringify(base), { 'content-type': type }))
    kinds.push(
      { weight: 20, arbitrary: extra },
      { weight: 30, arbitrary: wrongField },
      { weight: 5, arbitrary: noObject },
      { weight: 10, arbitrary: noJson },
      { weight: 5, arbitrary: noUtf8 },
      { weight: 5, arbitrary: noType },
      { weight: 1, arbitrary: fc.constant(withBody(HUGE)) },
    )
  }
  return fc.oneof(...kinds)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Those that are open take any query, since probes add what they like, and Jaeger's clients do too; outcomes are lines,
 * and spans have a description of their own. */
const isStrict = ({ path, operation }: Route) =>
  !['open', 'ingest'].includes(operation['x-door']) &&
  !/^\/api\/(services|operations|traces|dependencies)/.test(path) &&
  !['/internal/outcomes', '/internal/circuits'].includes(path)

for (const route of routes.filter(isStrict)) {
  test(`${route.method} ${route.path} refuses ${RUNS} requests that do not fit, and asks nothing`, async () => {
    const property = fc.asyncProperty(attempts(route), async ({ url, headers, payload }) => {
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
      deepEqual(asked, [], where)
    })
    await fc.assert(property, { numRuns: RUNS, endOnFailure: true })
  })
}
