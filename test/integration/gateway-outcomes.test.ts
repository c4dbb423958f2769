// From a request through the dev gateway to its outcome and spans, over real UDP.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import { logSettings } from '../../plugins/outcomes/log-format.ts'
import { createMeshHeaderCodec } from '../../plugins/outcomes/mesh-headers.ts'
import type { Outcome } from '../../plugins/outcomes/outcome.ts'
import { listenUdpFeed, type UdpFeed } from '../../plugins/outcomes/udp-feed.ts'
import { spansOf } from '../../plugins/spans/spans-of.ts'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { type KongUnderTest, startKongUnderTest } from '../support/kong-under-test.ts'
import { waitFor } from '../support/wait-for.ts'

const TOKEN = 'token-of-this-test'
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const SPAN_ID = 'b7ad6b7169203331'
const outcomes: Outcome[] = []
let feed: UdpFeed
let kong: KongUnderTest
let upstream: EchoServer

before(async () => {
  feed = await listenUdpFeed({
    token: TOKEN,
    port: 0,
    log: silentLogger,
    onOutcome: (outcome) => outcomes.push(outcome),
  })
  upstream = await startEchoServer()
  kong = await startKongUnderTest({
    alwaysOwn: true,
    env: { ...logSettings({ token: TOKEN, port: feed.port }) },
  })
})
after(async () => {
  await kong?.close()
  await upstream?.close()
  await feed?.close()
})

async function expose(name: string, service: object): Promise<void> {
  await kong.admin('PUT', `/services/${name}`, { host: '127.0.0.1', port: upstream.port, ...service })
  await kong.admin('PUT', `/routes/${name}`, { service: { name }, paths: [`/${name}/`] })
}

async function outcomeOf(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  const known = outcomes.length
  await kong.request({ path, headers })
  return waitFor(() => outcomes[known], { what: `the outcome of ${path}` })
}

test('what the gateway logs of an answered request is its outcome, with the route and the trace', async () => {
  await expose('well', {})
  const outcome = await outcomeOf('/well/a?secret=1', {
    traceparent: `00-${TRACE_ID}-${SPAN_ID}-01`,
    ...createMeshHeaderCodec(TOKEN).write({ serviceId: 's', routeId: 'r', parentSpanId: null }),
  })
  const { status, source, path, method, serviceId, routeId, tries } = outcome
  assert.deepEqual(
    [status, source, path, method, serviceId, routeId],
    [200, 'upstream', '/well/a', 'GET', 's', 'r'],
  )
  assert.deepEqual([tries.length, tries[0]!.instance], [1, `127.0.0.1:${upstream.port}`])
  assert.ok(Math.abs(Date.now() - outcome.startedAtMs) < 60_000)
  const seen = upstream.seen.at(-1)!.headers['traceparent']
  assert.ok(String(seen).includes(spansOf(outcome)[0]!.spanId), 'the upstream was told of the span recorded')
})

test('a refused connection, a timeout, a missing route: each is what it was', async () => {
  await expose('dead', { port: 1, retries: 1 })
  await expose('slow', { read_timeout: 50, retries: 0 })
  const refused = await outcomeOf('/dead/x')
  assert.deepEqual(
    [refused.status, refused.tries.map(({ status }) => status)],
    [502, ['connect_error', 'connect_error']],
  )
  upstream.behave({ hang: true })
  const timedOut = await outcomeOf('/slow/x')
  upstream.behave({})
  assert.deepEqual([timedOut.status, timedOut.tries.map(({ status }) => status)], [504, ['timeout']])
  const missing = await outcomeOf('/nowhere')
  assert.deepEqual([missing.status, missing.source, missing.tries], [404, 'exit', []])
})
