// `traces.exportUrl`: what a collector of ours takes in goes on to another one, over real sockets.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { startServer } from '../../operator/http/server.ts'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import { createMetrics } from '../../operator/telemetry/metrics.ts'
import { createTraces } from '../../operator/traces/start-traces.ts'
import { freePorts } from '../support/free-port.ts'
import { parseMetrics, sumOf } from '../support/metrics.ts'
import { jsonRequest, traceId } from '../support/otlp-spans.ts'
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts'
import { startTraceServer } from '../support/trace-server.ts'
import { waitFor } from '../support/wait-for.ts'

const SAMPLE_PB = readFileSync(join(import.meta.dirname, '..', 'fixtures', 'vectors', 'otlp-sample.pb'))
const SAMPLE_ID = 'ece27c56c8c8a0ac8b7a895ea7d23bc8'
const OK = { status: 200, body: '{}' }

interface Collector {
  readonly url: string
  /** POSTs a body of OTLP; its status. */
  readonly post: (body: Uint8Array | string, headers?: Record<string, string>) => Promise<number>
  /** POSTs traces of one span each. */
  readonly send: (...traces: readonly number[]) => Promise<void>
  /** A counter of what is handed on, by its labels. */
  readonly metric: (name: string, labels?: Record<string, string>) => Promise<number>
  readonly stop: () => Promise<void>
}

async function startCollector(exportUrl: string, port = 0): Promise<Collector> {
  const metrics = createMetrics('test')
  const config = { exportUrl, exportAuthorization: 'Bearer only-for-tests' }
  const traces = createTraces(config, { log: silentLogger, metrics })
  const { url, close } = await startServer({
    ...{ host: '127.0.0.1', port, metrics, parts: traces.parts },
    ...{ status: () => ({}) as never, notReady: () => [], healthHeaders: () => ({}) },
  })
  const post: Collector['post'] = async (body, headers = { 'content-type': 'application/json' }) => {
    const answer = await fetch(`${url}/v1/traces`, { method: 'POST', headers, body: body as string })
    await answer.arrayBuffer()
    return answer.status
  }
  return {
    url,
    post,
    send: async (...given) => {
      for (const trace of given)
        equal(await post(JSON.stringify(jsonRequest([{ trace, id: trace, service: 'web' }]))), 200)
    },
    metric: async (name, labels = {}) =>
      sumOf(parseMetrics(await (await fetch(`${url}/metrics`)).text()), name, labels),
    stop: async () => {
      await close()
      await traces.stop()
    },
  }
}

async function withReceiver(
  use: (collector: Collector, receiver: ScriptedServer) => Promise<void>,
): Promise<void> {
  const receiver = await startScriptedServer()
  const collector = await startCollector(receiver.url)
  try {
    await use(collector, receiver)
  } finally {
    // So that stopping does not wait for one that hangs.
    await receiver.close()
    await collector.stop()
  }
}

const traceIdsOf = ({ seen }: ScriptedServer): string[] =>
  seen.flatMap(({ body }) =>
    [...body.matchAll(/"traceId":"([0-9a-f]{32})"/g)].map(([, id]) => id!.replace(/^0+/, '')),
  )
const drops = (collector: Collector, reason: string) =>
  collector.metric('mesh_spans_dropped_total', { reason })

test('what comes within half a second goes on as one request, compressed, with the token, to /v1/traces', () =>
  withReceiver(async (collector, receiver) => {
    await collector.send(1, 2, 3)
    await waitFor(async () => (await collector.metric('mesh_spans_exported_total')) === 3)
    equal(receiver.seen.length, 1)
    const [{ method, path, headers }] = receiver.seen as [ScriptedServer['seen'][number]]
    deepEqual([method, path, headers.authorization], ['POST', '/v1/traces', 'Bearer only-for-tests'])
    deepEqual([headers['content-type'], headers['content-encoding']], ['application/json', 'gzip'])
    deepEqual(traceIdsOf(receiver), ['1', '2', '3'])
  }))

test('a receiver that asks to wait is waited for, and gets everything once', () =>
  withReceiver(async (collector, receiver) => {
    receiver.script({ status: 503, headers: { 'retry-after': '1' } }, OK)
    await collector.send(1)
    await waitFor(() => receiver.seen.length === 1)
    await collector.send(2)
    await waitFor(async () => (await collector.metric('mesh_spans_exported_total')) === 2)
    const [first, second] = receiver.seen
    ok(second!.atMs - first!.atMs >= 950, `${second!.atMs - first!.atMs}`)
    deepEqual(traceIdsOf(receiver), ['1', '1', '2'])
    equal(await collector.metric('mesh_span_export_retries_total'), 1)
    equal(await collector.metric('mesh_spans_dropped_total'), 0)
  }))

test('a refusal is final, and its spans are counted as dropped', () =>
  withReceiver(async (collector, receiver) => {
    receiver.script({ status: 400 })
    await collector.send(1, 2)
    await waitFor(async () => (await drops(collector, 'refused')) === 2)
    equal(receiver.seen.length, 1)
  }))

test('spans that the receiver rejects one by one are counted', () =>
  withReceiver(async (collector, receiver) => {
    receiver.script({ status: 200, body: '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"no"}}' })
    await collector.send(1, 2)
    await waitFor(async () => (await drops(collector, 'rejected')) === 1)
    equal(await collector.metric('mesh_spans_exported_total'), 1)
  }))

test('beyond 32 MiB that wait spans are dropped and counted; they are taken in and found here all the same', () =>
  withReceiver(async (collector, receiver) => {
    receiver.script('hang')
    const large = (trace: number) =>
      `${JSON.stringify(jsonRequest([{ trace, id: 1 }]))}${' '.repeat(12 * 1024 * 1024)}`
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    for (const trace of [1, 2, 3, 4]) {
      equal(await collector.post(gzipSync(large(trace)), headers), 200)
      if (trace === 1) await waitFor(() => receiver.seen.length === 1)
    }
    equal(await drops(collector, 'queue_full'), 1)
    equal(await collector.metric('mesh_spans_queued'), 3)
    const found = await fetch(`${collector.url}/api/v1/mesh/v2/traces/${traceId(4)}`)
    equal(found.status, 200)
    await found.arrayBuffer()
  }))

test('protobuf goes on as protobuf, and stopping sends what waits', async () => {
  const receiver = await startTraceServer()
  const collector = await startCollector(receiver.url)
  try {
    await collector.send(7)
    equal(await collector.post(SAMPLE_PB, { 'content-type': 'application/x-protobuf' }), 200)
  } finally {
    await collector.stop()
  }
  const { requests, kept, malformed } = receiver.collector.counts
  deepEqual({ requests, kept, malformed }, { requests: { json: 1, protobuf: 1 }, kept: 3, malformed: 0 })
  equal(receiver.collector.store.get(SAMPLE_ID)?.spans.length, 2)
  await receiver.close()
})

test('two that hand on to each other both have every trace, and send none around', async () => {
  const [one, two] = (await freePorts(2)) as [number, number]
  const collectors = await Promise.all([
    startCollector(`http://127.0.0.1:${two}`, one),
    startCollector(`http://127.0.0.1:${one}`, two),
  ])
  try {
    await collectors[0].send(1)
    await collectors[1].send(2)
    const held = () => Promise.all(collectors.map((each) => each.metric('mesh_traces')))
    await waitFor(async () => (await held()).every((count) => count === 2))
    for (const each of collectors) {
      equal(await each.metric('mesh_spans_exported_total'), 1)
      equal(await each.metric('mesh_spans_queued'), 0)
      equal(await each.metric('mesh_trace_spans_received_total', { result: 'duplicate' }), 0)
    }
  } finally {
    await Promise.all(collectors.map((each) => each.stop()))
  }
})
