import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { outcomeFromSerialize } from '../../../plugins/outcomes/from-serialize.ts'
import { createMeshHeaderCodec } from '../../../plugins/outcomes/mesh-headers.ts'
import { RECORDED, RECORDED_TOKEN } from '../../support/outcomes.ts'

const codec = createMeshHeaderCodec(RECORDED_TOKEN)

/** A recorded request with other values at the top. */
const changed = (name: string, values: object) =>
  outcomeFromSerialize(JSON.stringify({ ...(RECORDED[name]!.serialized as object), ...values }), codec)

test('no tries may come as an empty table or not at all', () => {
  assert.deepEqual(changed('no-peer', { tries: {} })!.tries, [])
  assert.deepEqual(changed('no-route', {})!.tries, [])
})

test('service and route are those of Kong, with or without mesh-tracing', () => {
  const outcome = changed('answered', { service: { id: 'service-9' }, route: { id: 'route-9' } })!
  assert.deepEqual([outcome.serviceId, outcome.routeId, outcome.spanId], ['service-9', 'route-9', null])
})

test('a span that mesh-tracing tells of itself counts', () => {
  const trace = {
    traceId: 'dc9d1b0ccedf0ecaf4f26ffab84d4f5e',
    parentId: '1b0ccedf0ecaf4f2',
    sampled: true,
    isRandom: false,
  }
  const sealed = codec.write({ serviceId: 's', routeId: null, parentSpanId: null, trace })
  const headers = { 'x-mesh-route': sealed['X-Mesh-Route'], 'x-mesh-span': sealed['X-Mesh-Span'] }
  const { request } = RECORDED['answered']!.serialized as { readonly request: object }
  const outcome = changed('answered', { request: { ...request, headers } })!
  assert.deepEqual([outcome.traceId, outcome.spanId, outcome.sampled], [trace.traceId, trace.parentId, true])
})

test('a latency of -1 is no time to a first byte', () => {
  const outcome = changed('answered', { latencies: { kong: 1, proxy: -1, request: 5, receive: 0 } })!
  assert.deepEqual([outcome.ttfbMs, outcome.durationMs], [null, 5])
})

test('IPv6 comes short or long, with brackets or without', () => {
  const long = '[0000:0000:0000:0000:0000:0000:0000:0001]:80'
  for (const ip of ['::1', '[::1]', '[0000:0000:0000:0000:0000:0000:0000:0001]']) {
    const outcome = changed('answered', { tries: [{ ip, port: 80 }] })!
    assert.equal(outcome.tries[0]!.instance, long)
  }
})

test('a try of unknown start has no times and is a try all the same', () => {
  const [attempt] = changed('answered', { tries: [{ ip: '10.0.0.1', port: 80 }] })!.tries
  assert.deepEqual([attempt!.instance, attempt!.ms, attempt!.startedAfterMs], ['10.0.0.1:80', null, null])
})

test('statuses that are not as many as the tries are those of the last ones, and charge no instance', () => {
  const tries = ['10.0.0.1', '10.0.0.2'].map((ip) => ({ ip, port: 80, code: 502, state: 'failed' }))
  for (const upstream_status of ['200', '502, 502, 200']) {
    const read = changed('answered', { tries, upstream_status })!.tries
    assert.deepEqual([read.map(({ instance }) => instance), read[1]!.status], [['', ''], 200])
  }
})

test('tries of which no status is told at all are still of their instances', () => {
  const tries = ['10.0.0.1', '10.0.0.2'].map((ip) => ({ ip, port: 80, code: 502, state: 'failed' }))
  const read = changed('answered', { tries, upstream_status: '' })!.tries
  assert.deepEqual(
    read.map(({ instance }) => instance),
    ['10.0.0.1:80', '10.0.0.2:80'],
  )
})

test('what is no JSON of a request is none', () => {
  for (const text of ['', 'null', '[]', '7', '{}', '{"request":{}}', '{"started_at":1}']) {
    assert.equal(outcomeFromSerialize(text, codec), null, text)
  }
})

test('nothing that is JSON makes it throw', () => {
  const names = fc.constantFrom(
    ...'request response latencies tries upstream_status source service route client_ip'.split(' '),
  )
  fc.assert(
    fc.property(fc.string(), fc.dictionary(names, fc.jsonValue()), (text, values) => {
      outcomeFromSerialize(text, codec)
      outcomeFromSerialize(JSON.stringify(values), codec)
      changed('retried', { ...values, latencies: { request: 3 }, response: { status: 200 } })
      return true
    }),
    { numRuns: 2_000 },
  )
})
