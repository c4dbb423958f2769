// Routes that do not refuse what they do not know, because others made their form: probes, plugin processes, OTLP, Jaeger.
// Whatever comes is no fault of the server, and what is refused changes nothing. The other routes: mesh-api.test.ts.
import { deepEqual, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { internalRoutes } from '../../operator/http/internal-routes.ts'
import { jaegerRoutes } from '../../operator/http/jaeger-routes.ts'
import { otlpRoute } from '../../operator/http/otlp-route.ts'
import { traceRoutes } from '../../operator/http/trace-routes.ts'
import type { ToldOutcome } from '../../operator/metrics/told-outcome.ts'
import { CircuitBook } from '../../operator/sync/circuit-book.ts'
import { TraceCollector } from '../../operator/traces/trace-collector.ts'
import { TraceQueries } from '../../operator/traces/trace-queries.ts'
import { isStrict } from '../support/bad-requests.ts'
import { bareApi } from '../support/bare-api.ts'
import { describedApi } from '../support/described-api.ts'
import { oddRequests } from '../support/odd-requests.ts'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 300)
const collector = new TraceCollector()
const queries = new TraceQueries(collector.store)
const circuits = new CircuitBook(() => 0)
const outcomes: (ToldOutcome | null)[] = []
const { app } = bareApi({
  parts: [
    otlpRoute({ collector }),
    traceRoutes(queries),
    jaegerRoutes(queries),
    internalRoutes({
      token: undefined,
      circuits,
      ejections: { eject: async () => null, release: async () => {} },
      feed: () => null,
      onOutcome: (outcome) => outcomes.push(outcome),
      signal: new AbortController().signal,
    }),
  ],
})
const { routes } = describedApi(JSON.parse((await app.inject('/openapi.json')).body))
before(() => app.ready())
after(() => app.close())

const ask = async (method: string, { url, headers, payload }: Odd) =>
  await app.inject({
    method: method as 'GET',
    url,
    headers: { host: 'localhost', ...headers },
    ...(payload === undefined ? {} : { payload }),
  })
interface Odd {
  readonly url: string
  readonly headers?: Record<string, string>
  readonly payload?: string | Buffer
}

const everything = () => [
  collector.store.traceCount,
  collector.counts.kept,
  circuits.nodes().length,
  outcomes.length,
]

// Spans come first, so that what reads them meets odd ones.
const lenient = routes
  .filter((route) => !isStrict(route))
  .sort((one, other) => (one.method < other.method ? 1 : -1))
for (const route of lenient) {
  const { method, path } = route
  test(`${method} ${path} takes or refuses whatever comes; what it refuses or only reads changes nothing`, async () => {
    const property = fc.asyncProperty(oddRequests(route), async (odd) => {
      outcomes.length = 0
      const known = everything()
      const answer = await ask(method, odd)
      const where = `${method} ${odd.url} ${String(odd.payload).slice(0, 300)}: ${answer.statusCode} ${answer.body.slice(0, 200)}`
      ok(answer.statusCode >= 200 && answer.statusCode < 500, where)
      if (answer.statusCode >= 400 || method === 'GET') deepEqual(everything(), known, where)
    })
    await fc.assert(property, { numRuns: RUNS, endOnFailure: true })
  })
}

test('these are all of them', () => {
  deepEqual(lenient.map(({ method, path }) => `${method} ${path}`).sort(), [
    'GET /api/dependencies',
    'GET /api/operations',
    'GET /api/services',
    'GET /api/services/{service}/operations',
    'GET /api/traces',
    'GET /api/traces/{id}',
    'GET /api/v1/mesh/v2/metrics',
    'GET /docs',
    'GET /healthz',
    'GET /metrics',
    'GET /openapi.json',
    'GET /readyz',
    'POST /internal/circuits',
    'POST /internal/outcomes',
    'POST /v1/traces',
  ])
})

test('odd spans that were taken can be read', async () => {
  ok(collector.counts.kept > 0)
  const V2 = '/api/v1/mesh/v2'
  const { traces } = (await ask('GET', { url: `${V2}/traces?limit=1000` })).json()
  const urls = [
    ...traces.flatMap(({ trace_id: id }: { trace_id: string }) => [
      `${V2}/traces/${id}`,
      `/api/traces/${id}`,
    ]),
    ...(await ask('GET', { url: '/api/services' }))
      .json()
      .data.flatMap((service: string) => [
        `/api/services/${encodeURIComponent(service)}/operations`,
        `/api/traces?service=${encodeURIComponent(service)}`,
      ]),
    `${V2}/dependencies`,
    `${V2}/bottlenecks`,
  ]
  for (const url of urls) {
    const { statusCode, body } = await ask('GET', { url })
    ok(statusCode < 500, `${url}: ${statusCode} ${body}`)
  }
})
