import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import { OtlpExporter, type OtlpExporterOptions, tracesUrl } from '../../plugins/export/otlp-exporter.ts'
import { asJson } from '../../plugins/export/otlp-json.ts'
import type { Span } from '../../plugins/spans/span.ts'
import { spansOf } from '../../plugins/spans/spans-of.ts'
import { freePorts } from '../support/free-port.ts'
import { anOutcome } from '../support/outcomes.ts'
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts'
import { waitFor } from '../support/wait-for.ts'

const OK = { status: 200, body: '{}' }
/** Two: a SERVER span and a CLIENT span. */
const SPANS = spansOf(anOutcome())

function exporterTo(url: string, options: Partial<OtlpExporterOptions<Span>> = {}): OtlpExporter<Span> {
  return new OtlpExporter({
    name: 'test',
    url: tracesUrl(url),
    encode: asJson({ resource: { 'service.name': 'kong' }, version: '0' }),
    log: silentLogger,
    delayMs: 5,
    backoff: { baseMs: 2, maxMs: 4 },
    ...options,
  })
}

async function withExporter(
  options: Partial<OtlpExporterOptions<Span>>,
  use: (exporter: OtlpExporter<Span>, server: ScriptedServer) => Promise<void>,
): Promise<void> {
  const server = await startScriptedServer()
  const exporter = exporterTo(server.url, options)
  try {
    await use(exporter, server)
  } finally {
    await exporter.stop(0)
    await server.close()
  }
}

const spanCount = (body: string): number => {
  const { resourceSpans } = JSON.parse(body) as {
    resourceSpans: { scopeSpans: { spans: unknown[] }[] }[]
  }
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)).length
}

const settled = (exporter: OtlpExporter<Span>) =>
  waitFor(() => exporter.queued === 0, { what: 'all spans exported or dropped' })

test('spans arrive as compressed JSON at /v1/traces, with the headers that were asked for', () =>
  withExporter({ headers: () => ({ authorization: 'Bearer secret' }) }, async (exporter, { seen }) => {
    exporter.add(SPANS)
    await settled(exporter)
    const { method, path, headers, body } = seen[0]!
    assert.deepEqual([method, path, spanCount(body)], ['POST', '/v1/traces', 2])
    assert.equal(headers['content-type'], 'application/json')
    assert.equal(headers['content-encoding'], 'gzip')
    assert.equal(headers.authorization, 'Bearer secret')
    assert.equal(exporter.counts.exported, 2)
  }))

test('compression can be off', () =>
  withExporter({ isCompressed: false }, async (exporter, { seen }) => {
    exporter.add(SPANS)
    await settled(exporter)
    assert.equal(seen[0]!.headers['content-encoding'], undefined)
    assert.equal(spanCount(seen[0]!.body), 2)
  }))

test('a burst goes in few batches, each within its limit', () =>
  withExporter({ maxBatchSpans: 100 }, async (exporter, { seen }) => {
    for (let i = 0; i < 125; i++) exporter.add(SPANS)
    await settled(exporter)
    const counts = seen.map(({ body }) => spanCount(body))
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      250,
    )
    assert.ok(counts.length <= 4 && Math.max(...counts) <= 100, String(counts))
  }))

for (const status of [429, 502, 503, 504]) {
  test(`${status} is tried again until it is taken`, () =>
    withExporter({}, async (exporter, server) => {
      server.script({ status }, { status }, OK)
      exporter.add(SPANS)
      await settled(exporter)
      assert.equal(server.seen.length, 3)
      assert.deepEqual([exporter.counts.exported, exporter.counts.retries], [2, 2])
    }))
}

for (const status of [301, 400, 401, 404, 413, 415, 500, 501]) {
  test(`${status} is final: the spans are dropped and counted`, () =>
    withExporter({}, async (exporter, server) => {
      server.script({ status, headers: { location: '/elsewhere' } })
      exporter.add(SPANS)
      await settled(exporter)
      assert.equal(server.seen.length, 1)
      assert.deepEqual([exporter.counts.dropped.refused, exporter.counts.exported], [2, 0])
    }))
}

test('Retry-After is waited for', () =>
  withExporter({}, async (exporter, server) => {
    server.script({ status: 503, headers: { 'retry-after': '1' } }, OK)
    exporter.add(SPANS)
    await settled(exporter)
    assert.ok(server.seen[1]!.atMs - server.seen[0]!.atMs >= 900)
  }))

test('connections that end and answers that do not come are tried again', () =>
  withExporter({ timeoutMs: 1_000 }, async (exporter, server) => {
    server.script('reset', 'hang', OK)
    exporter.add(SPANS)
    await settled(exporter)
    assert.deepEqual([server.seen.length, exporter.counts.exported], [3, 2])
  }))

test('after its last try a batch is dropped and counted', () =>
  withExporter({ maxTries: 3 }, async (exporter, server) => {
    server.script({ status: 503 })
    exporter.add(SPANS)
    await settled(exporter)
    assert.deepEqual([server.seen.length, exporter.counts.dropped.gave_up], [3, 2])
  }))

test('a collector that is not there costs the spans, nothing else', async () => {
  const [port] = await freePorts(1)
  const exporter = exporterTo(`http://127.0.0.1:${port}`, { maxTries: 2 })
  exporter.add(SPANS)
  await settled(exporter)
  assert.equal(exporter.counts.dropped.gave_up, 2)
  await exporter.stop()
})

test('spans that are rejected one by one are counted and not sent again', () =>
  withExporter({}, async (exporter, server) => {
    server.script({ status: 200, body: '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too long"}}' })
    exporter.add(SPANS)
    await settled(exporter)
    assert.equal(server.seen.length, 1)
    assert.deepEqual([exporter.counts.exported, exporter.counts.dropped.rejected], [1, 1])
  }))

test('a full queue drops what comes and counts it', () =>
  withExporter({ maxQueuedSpans: 10, maxBatchSpans: 10 }, async (exporter, server) => {
    server.script('hang')
    for (let i = 0; i < 5; i++) exporter.add(SPANS)
    await waitFor(() => server.seen.length === 1, { what: 'the first batch under way' })
    for (let i = 0; i < 10; i++) exporter.add(SPANS)
    assert.deepEqual([exporter.queued, exporter.counts.dropped.queue_full], [20, 10])
  }))

test('stopping sends what waits', () =>
  withExporter({ delayMs: 60_000 }, async (exporter, server) => {
    exporter.add(SPANS)
    await exporter.stop()
    assert.deepEqual([server.seen.length, exporter.counts.exported], [1, 2])
    exporter.add(SPANS)
    assert.equal(exporter.counts.dropped.shutdown, 2)
  }))

test('stopping does not wait for a collector that hangs', () =>
  withExporter({ maxBatchSpans: 2 }, async (exporter, server) => {
    server.script('hang')
    exporter.add(SPANS)
    exporter.add(SPANS)
    await waitFor(() => server.seen.length === 1, { what: 'the first batch under way' })
    await exporter.stop(50)
    assert.deepEqual([exporter.counts.dropped.shutdown, exporter.queued], [4, 0])
  }))

test('the traces URL follows from an endpoint, whatever its path', () => {
  assert.equal(tracesUrl('http://a:4318'), 'http://a:4318/v1/traces')
  assert.equal(tracesUrl('http://a:4318/'), 'http://a:4318/v1/traces')
  assert.equal(tracesUrl('https://a/otlp?key=1'), 'https://a/otlp/v1/traces?key=1')
  assert.equal(tracesUrl('http://a:4318/v1/traces'), 'http://a:4318/v1/traces')
})

test('what an address holds beside host and path is not told when nobody answers', async () => {
  const [port] = (await freePorts(1)) as [number]
  const told: string[] = []
  const exporter = exporterTo(`http://user:hush-hush@127.0.0.1:${port}/v1/traces?key=hush-hush`, {
    maxTries: 1,
    log: { ...silentLogger, warn: (_message, fields) => told.push(inspect(fields, { depth: 9 })) },
  })
  exporter.add(SPANS)
  await settled(exporter)
  await exporter.stop(0)
  assert.match(told.join(), /ECONNREFUSED/)
  assert.ok(!told.join().includes('hush-hush'), told.join())
})
