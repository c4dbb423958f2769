import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outcomeFromSerialize } from '../../../plugins/outcomes/from-serialize.ts'
import { createMeshHeaderCodec } from '../../../plugins/outcomes/mesh-headers.ts'
import type { Outcome } from '../../../plugins/outcomes/outcome.ts'
import { createLineParser } from '../../../plugins/outcomes/parse-line.ts'
import { RECORDED, RECORDED_TOKEN } from '../../support/outcomes.ts'

const parse = createLineParser(RECORDED_TOKEN)
const codec = createMeshHeaderCodec(RECORDED_TOKEN)

function fromLine(name: string): Outcome {
  const outcome = parse(Buffer.from(RECORDED[name]!.line))
  assert.ok(typeof outcome !== 'string', `${name}: ${String(outcome)}`)
  return outcome
}

function fromSerialize(name: string): Outcome {
  const outcome = outcomeFromSerialize(JSON.stringify(RECORDED[name]!.serialized), codec)
  assert.ok(outcome, name)
  return outcome
}

const inShort = ({ status, source, grpcStatus, tries }: Outcome) => [
  status,
  source,
  grpcStatus,
  tries.map(
    (attempt) => `${attempt.instance.slice(attempt.instance.lastIndexOf(':') + 1)} ${attempt.status}`,
  ),
]

type Case = readonly [
  claim: string,
  recorded: string,
  expected: ReturnType<typeof inShort>,
  ofSerialize?: ReturnType<typeof inShort>,
]

const UP = '18877'
const GRPC = '18878'
const FULL = '18879'

const CASES: readonly Case[] = [
  ['an answer is the status of its try', 'answered', [200, 'upstream', null, [`${UP} 200`]]],
  ['500 of an instance is its answer', 'answered-500', [500, 'upstream', null, [`${UP} 500`]]],
  ['502 of an instance is no connect error', 'answered-502', [502, 'upstream', null, [`${UP} 502`]]],
  ['504 of an instance is no timeout', 'answered-504', [504, 'upstream', null, [`${UP} 504`]]],
  [
    'a refused connection is a connect error in each try',
    'refused',
    [502, 'upstream', null, ['1 connect_error', '1 connect_error']],
  ],
  [
    'a refused connection without retries is a connect error',
    'refused-without-retry',
    [502, 'upstream', null, ['1 connect_error']],
  ],
  [
    'a connection that is not made in time is a timeout',
    'connect-timeout',
    [504, 'upstream', null, [`${FULL} timeout`, `${FULL} timeout`]],
  ],
  [
    'the next try answers for the call',
    'connect-timeout-then-answered',
    [200, 'upstream', null, [`${FULL} timeout`, `${UP} 200`]],
  ],
  ['a retry after a refusal', 'retried', [200, 'upstream', null, ['1 connect_error', `${UP} 200`]]],
  [
    'a TLS handshake that fails is a connect error',
    'tls-handshake',
    [502, 'upstream', null, [`${UP} connect_error`, `${UP} connect_error`]],
  ],
  [
    'no answer in time is a timeout',
    'read-timeout',
    [504, 'upstream', null, [`${UP} timeout`, `${UP} timeout`]],
  ],
  [
    'no answer in time to a POST is one timeout',
    'read-timeout-post',
    [504, 'upstream', null, [`${UP} timeout`]],
  ],
  [
    'a connection that ends before an answer is 502',
    'reset',
    [502, 'upstream', null, [`${UP} 502`, `${UP} 502`]],
    [502, 'upstream', null, [`${UP} connect_error`, `${UP} connect_error`]],
  ],
  ['a POST whose connection ends is 502', 'reset-post', [502, 'upstream', null, [`${UP} 502`]]],
  [
    'a kept connection that the instance closed is not a connect error',
    'kept-connection-closed',
    [200, 'upstream', null, [`${UP} 502`, `${UP} 200`]],
    [200, 'upstream', null, [`${UP} connect_error`, `${UP} 200`]],
  ],
  ['what does not speak HTTP is 502', 'not-http', [502, 'upstream', null, [`${UP} 502`]]],
  ['an answer cut short was answered', 'cut', [200, 'upstream', null, [`${UP} 200`]]],
  ['a body that stops was answered', 'late-body-timeout', [200, 'upstream', null, [`${UP} 200`]]],
  ['no peer is no try', 'no-peer', [503, 'exit', null, []]],
  ['all peers marked is no try', 'all-marked', [503, 'exit', null, []]],
  [
    'running out of peers leaves the tries that were made',
    'peers-run-out',
    [503, 'upstream', null, [1, 2, 1, 2, 2].map((port) => `${port} connect_error`)],
  ],
  ['401 of a plugin is an exit', 'unauthorized', [401, 'exit', null, []]],
  ['an answer of a plugin is an exit', 'terminated', [418, 'exit', null, []]],
  ['404 without route is an exit', 'no-route', [404, 'exit', null, []]],
  ['400 of nginx is an exit', 'bad-request', [400, 'exit', null, []]],
  ['a client that leaves aborts its try', 'abort', [499, 'client_abort', null, [`${UP} 499`]]],
  [
    'a client that leaves after the headers was answered',
    'abort-midway',
    [200, 'upstream', null, [`${UP} 200`]],
  ],
  [
    'a client that leaves while uploading aborts its try',
    'abort-upload',
    [400, 'client_abort', null, [`${UP} 499`]],
  ],
  ['a body that never came is no try', 'abort-upload-buffered', [400, 'exit', null, []]],
  [
    'the status of gRPC comes as a trailer',
    'grpc-ok',
    [200, 'upstream', 0, [`${GRPC} 200`]],
    [200, 'upstream', null, [`${GRPC} 200`]],
  ],
  [
    'a failure of gRPC comes as a trailer',
    'grpc-fail',
    [200, 'upstream', 13, [`${GRPC} 200`]],
    [200, 'upstream', null, [`${GRPC} 200`]],
  ],
  [
    'an answer of gRPC of trailers only has its status as a header',
    'grpc-trailers-only',
    [200, 'upstream', 14, [`${GRPC} 200`]],
  ],
  ["a timeout of gRPC has Kong's status", 'grpc-hang', [504, 'upstream', 4, [`${GRPC} timeout`]]],
  ["an exit of gRPC has Kong's status", 'grpc-unauthorized', [401, 'exit', 16, []]],
]

for (const [claim, name, expected, ofSerialize] of CASES) {
  test(claim, () => assert.deepEqual(inShort(fromLine(name)), expected))
  test(`${claim}, in the log phase`, () => {
    assert.deepEqual(inShort(fromSerialize(name)), ofSerialize ?? expected)
  })
}

test('every recorded request is read, both ways', () => {
  for (const name of Object.keys(RECORDED)) {
    fromLine(name)
    fromSerialize(name)
  }
})

test('both ways agree on what a request was', () => {
  for (const name of ['answered', 'retried', 'refused', 'no-route', 'traced', 'h2', 'absolute', 'hostile']) {
    const [line, serialized] = [fromLine(name), fromSerialize(name)]
    for (const field of [
      ...(['requestId', 'method', 'path', 'host', 'scheme', 'clientAddress', 'traceId', 'spanId'] as const),
      ...(['parentSpanId', 'sampled', 'userAgent', 'bytesIn', 'bytesOut', 'durationMs'] as const),
    ]) {
      assert.deepEqual(serialized[field], line[field], `${name}: ${field}`)
    }
    assert.ok(Math.abs(serialized.startedAtMs - line.startedAtMs) <= 2, `${name}: startedAtMs`)
  }
})

test('the trace, its caller and the route are those that went on', () => {
  const { traceId, spanId, parentSpanId, sampled, serviceId, routeId } = fromLine('traced')
  assert.deepEqual(
    { traceId, spanId, parentSpanId, sampled, serviceId, routeId },
    {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      parentSpanId: '00f067aa0ba902b7',
      sampled: true,
      serviceId: '0a0b0c0d-1111-4111-8111-111111111111',
      routeId: '0a0b0c0d-2222-4222-8222-222222222222',
    },
  )
})

test('headers that a client made up attribute nothing', () => {
  const { serviceId, routeId, spanId, parentSpanId, traceId } = fromLine('hostile')
  assert.deepEqual([serviceId, routeId, spanId, parentSpanId, traceId], [null, null, null, null, null])
})

test('the path is as sent, without query, of an absolute target too', () => {
  assert.equal(fromLine('answered').path, '/ok/a%20b')
  assert.equal(fromLine('absolute').path, '/ok/abs')
})

test('an error page of nginx does not hide method and path', () => {
  const { method, path } = fromLine('reset-post')
  assert.deepEqual([method, path], ['POST', '/ok/reset'])
})

test('IPv6 instances have the name that Kong gives targets', () => {
  const expected = `[0000:0000:0000:0000:0000:0000:0000:0001]:${UP}`
  assert.equal(fromLine('ipv6').tries[0]!.instance, expected)
  assert.equal(fromSerialize('ipv6').tries[0]!.instance, expected)
})

test('tries follow each other and end within the request', () => {
  for (const name of Object.keys(RECORDED)) {
    const { tries, durationMs } = fromLine(name)
    for (const [i, { startedAfterMs }] of tries.entries()) {
      assert.ok(startedAfterMs !== null && startedAfterMs <= durationMs, name)
      assert.ok(i === 0 || startedAfterMs >= tries[i - 1]!.startedAfterMs!, name)
    }
  }
})

test('a second try after a timeout starts when the first is over', () => {
  const [first, second] = fromLine('connect-timeout-then-answered').tries
  assert.deepEqual([first!.ms, first!.connectMs, first!.ttfbMs], [300, null, null])
  assert.equal(second!.startedAfterMs! - first!.startedAfterMs!, 300)
})
