import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeJson } from '../../../operator/traces/otlp/decode-json.ts'
import { decodeProtobuf } from '../../../operator/traces/otlp/decode-protobuf.ts'
import { MalformedError, type SpanInput } from '../../../operator/traces/otlp/span-input.ts'
import { fuzzCases } from '../../support/fuzz-cases.ts'
import * as pb from '../../support/otlp-protobuf.ts'
import { jsonRequest, jsonSpan } from '../../support/otlp-spans.ts'

const VECTORS = join(import.meta.dirname, '..', '..', 'fixtures', 'vectors')
const readVector = (name: string) => readFileSync(join(VECTORS, name))

const plain = ({ spans, rejected }: { spans: readonly SpanInput[]; rejected: number }) => ({
  rejected,
  spans: spans.map((span) => ({ ...span })),
})

test('the sample is the same in both encodings, and all of it is read', () => {
  const fromJson = decodeJson(JSON.parse(readVector('otlp-sample.json').toString()))
  const fromProtobuf = decodeProtobuf(readVector('otlp-sample.pb'))
  deepEqual(plain(fromProtobuf), plain(fromJson))
  const [client, server] = fromJson.spans
  equal(fromJson.spans.length, 2)
  deepEqual(client!.resource, { service: 'kong', attributes: ['service.version', '3.9.1'] })
  equal(client!.scope, 'mesh 1.0.0')
  equal(client!.parentId, 'b5dc28dd722eb492')
  equal(client!.durationNs, 400_116)
  deepEqual([client!.status, client!.statusMessage, client!.kind], [2, 'boom', 3])
  deepEqual(client!.attributes, [
    'server.address',
    '127.0.0.1',
    'server.port',
    8080,
    'peer.service',
    'orders',
  ])
  deepEqual(
    client!.events.map(({ name, attributes }) => [name, attributes]),
    [['retry', ['n', 1]]],
  )
  equal(server!.durationNs, 2_124_743)
  deepEqual(server!.attributes.slice(-6), ['ratio', 0.5, 'ok', true, 'list', '["a","b"]'])
  ok(Math.abs(server!.startUs - 1_795_454_388_513_000) < 1)
})

const hexOf = (chars: number) =>
  fc
    .uint8Array({ minLength: chars / 2, maxLength: chars / 2 })
    .filter((bytes) => bytes.some((byte) => byte > 0))
    .map((bytes) => Buffer.from(bytes).toString('hex'))
const nanos = fc.bigInt({ min: 0n, max: 2n ** 63n }).map(String)
const word = fc.string({ unit: 'grapheme', maxLength: 20 })
const value: fc.Arbitrary<pb.KeyValue['value']> = fc.letrec<{ value: pb.KeyValue['value'] }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ stringValue: word }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ intValue: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) }),
    // JSON has no -0.
    fc.record({ doubleValue: fc.double({ noNaN: true, noDefaultInfinity: true }).map((each) => each + 0) }),
    fc.record({
      bytesValue: fc.uint8Array({ maxLength: 9 }).map((each) => Buffer.from(each).toString('base64')),
    }),
    fc.record({ arrayValue: fc.record({ values: fc.array(tie('value'), { maxLength: 3 }) }) }),
    fc.record({
      kvlistValue: fc.record({
        values: fc.array(fc.record({ key: word, value: tie('value') }), { maxLength: 3 }),
      }),
    }),
  ),
})).value
const attributes = fc.array(fc.record({ key: word, value }), { maxLength: 4 })
const span: fc.Arbitrary<pb.JsonSpan> = fc.record(
  {
    traceId: hexOf(32),
    spanId: hexOf(16),
    parentSpanId: hexOf(16),
    name: word,
    kind: fc.integer({ min: 0, max: 7 }),
    startTimeUnixNano: nanos,
    endTimeUnixNano: nanos,
    attributes,
    events: fc.array(fc.record({ timeUnixNano: nanos, name: word, attributes }), { maxLength: 2 }),
    links: fc.array(fc.record({ traceId: hexOf(32), spanId: hexOf(16), attributes }), { maxLength: 2 }),
    status: fc.record({ code: fc.integer({ min: 0, max: 4 }), message: word }),
  },
  {
    requiredKeys: [
      ...['traceId', 'spanId', 'name', 'kind', 'startTimeUnixNano', 'endTimeUnixNano', 'attributes'],
    ] as (keyof pb.JsonSpan)[] as never,
  },
) as fc.Arbitrary<pb.JsonSpan>
const request = fc.record({
  resourceSpans: fc.array(
    fc.record({
      resource: fc.record({ attributes }),
      scopeSpans: fc.array(
        fc.record({
          scope: fc.record({ name: word, version: word.filter((text) => text !== '') }),
          spans: fc.array(span, { maxLength: 3 }),
        }),
        { maxLength: 2 },
      ),
    }),
    { maxLength: 3 },
  ),
})

test('any request is the same in both encodings', () => {
  fc.assert(
    fc.property(request, (given) => {
      const fromJson = decodeJson(JSON.parse(JSON.stringify(given)))
      deepEqual(plain(decodeProtobuf(pb.requestBytes(given))), plain(fromJson))
    }),
    { numRuns: 300 },
  )
})

test('bytes that are no request are refused and never crash', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeProtobuf(Buffer.from(bytes))
      } catch (error) {
        ok(error instanceof MalformedError, String(error))
      }
    }),
    { numRuns: fuzzCases(10_000) },
  )
})

test('a request with any of its bytes changed is read or refused, and never crashes', () => {
  const sample = readVector('otlp-sample.pb')
  for (let at = 0; at < sample.length; at++) {
    for (const byte of [0, 0x7f, 0x80, 0xff, sample[at]! ^ 1]) {
      const changed = Buffer.from(sample)
      changed[at] = byte
      try {
        decodeProtobuf(changed)
      } catch (error) {
        ok(error instanceof MalformedError, String(error))
      }
    }
    try {
      decodeProtobuf(sample.subarray(0, at))
    } catch (error) {
      ok(error instanceof MalformedError, String(error))
    }
  }
})

test('any JSON is read or refused, and never crashes', () => {
  const names = fc.constantFrom(
    ...['resourceSpans', 'resource', 'attributes', 'scopeSpans', 'spans', 'key', 'value', 'arrayValue'],
    ...['values', 'traceId', 'spanId', 'name', 'kind', 'status', 'events', 'links', 'intValue', '__proto__'],
  )
  const json = fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof(
      { depthSize: 'medium' },
      fc.jsonValue({ maxDepth: 1 }),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(names, tie('any'), { maxKeys: 5 }),
    ),
  })).any
  fc.assert(
    fc.property(json, (given) => {
      try {
        decodeJson(given)
      } catch (error) {
        ok(error instanceof MalformedError, String(error))
      }
    }),
    { numRuns: fuzzCases(10_000) },
  )
})

test('the JSON of strangers is taken: snake case, names of enums, numbers as text, upper-case ids, null', () => {
  const { spans, rejected } = decodeJson({
    unknown: 1,
    resource_spans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { string_value: 'web' } }], more: [] },
        scope_spans: [
          {
            scope: null,
            spans: [
              {
                trace_id: 'ECE27C56C8C8A0AC8B7A895EA7D23BC8',
                span_id: 'BC32AD2181A1F934',
                parent_span_id: '',
                name: null,
                kind: 'SPAN_KIND_SERVER',
                start_time_unix_nano: 1795454388514000,
                end_time_unix_nano: '1795454388515000',
                attributes: [
                  { key: 'a', value: { intValue: '9007199254740993' } },
                  { key: 'b', value: { int_value: '7' } },
                  { key: 'c', value: { doubleValue: 'NaN' } },
                  { key: 'd' },
                  { key: 'e', value: {} },
                ],
                events: null,
                status: { code: 'STATUS_CODE_ERROR', message: null },
              },
            ],
          },
        ],
      },
    ],
  })
  equal(rejected, 0)
  const [only] = spans
  equal(only!.traceId, 'ece27c56c8c8a0ac8b7a895ea7d23bc8')
  equal(only!.resource.service, 'web')
  deepEqual([only!.kind, only!.status, only!.name, only!.parentId], [2, 2, '', ''])
  equal(only!.durationNs, 1_000)
  deepEqual(only!.attributes, ['a', 9007199254740993n, 'b', 7, 'c', Number.NaN, 'd', '', 'e', ''])
})

const oneSpan = (over: Record<string, unknown>) => ({
  resourceSpans: [{ scopeSpans: [{ spans: [{ ...jsonSpan({ id: 1 }), ...over }] }] }],
})

for (const [what, over] of [
  ['base64 in place of hex', { traceId: '7OJ8VsjIoKyLeoleAAAAAA==' }],
  ['an id of zeros', { spanId: '0'.repeat(16) }],
  ['a short id', { traceId: 'abc' }],
  ['no id', { spanId: undefined }],
  ['a parent that is no id', { parentSpanId: 'xyz' }],
  ['an id that is a number', { traceId: 12 }],
  ['a time before all times', { startTimeUnixNano: '-1' }],
  ['a time that is text', { endTimeUnixNano: 'now' }],
  ['a time beyond 64 bits', { endTimeUnixNano: '99999999999999999999' }],
  ['a name that is a number', { name: 5 }],
] as const) {
  test(`a span with ${what} is rejected alone, with the reason`, () => {
    const { spans, rejected, reason } = decodeJson(oneSpan(over))
    deepEqual([spans.length, rejected], [0, 1])
    ok(reason.length > 10)
  })
}

test('a parent of zeros is none', () => {
  equal(decodeJson(oneSpan({ parentSpanId: '0'.repeat(16) })).spans[0]!.parentId, '')
})

for (const given of [
  null,
  [],
  'x',
  5,
  { resourceSpans: {} },
  { resourceSpans: [1] },
  { resourceSpans: [[]] },
  { resourceSpans: [{ scopeSpans: 'x' }] },
  { resourceSpans: [{ scopeSpans: [{ spans: [null] }] }] },
  oneSpan({ attributes: {} }),
  oneSpan({ attributes: [{ key: 'a', value: 5 }] }),
]) {
  test(`${JSON.stringify(given)?.slice(0, 80)} is malformed as a whole`, () => {
    throws(() => decodeJson(given), MalformedError)
  })
}

test('nothing at all is a request without spans', () => {
  for (const { spans, rejected } of [
    decodeJson({}),
    decodeJson({ resourceSpans: [] }),
    decodeJson({ resourceSpans: [{}] }),
    decodeProtobuf(Buffer.alloc(0)),
  ]) {
    deepEqual([spans.length, rejected], [0, 0])
  }
})

test('fields that nobody knows are skipped, groups and other wire types too', () => {
  const { resourceSpans } = jsonRequest([{ id: 1, attributes: { a: 1 } }])
  const known = pb.requestBytes({ resourceSpans })
  const group = Buffer.concat([pb.tag(90, 3), pb.int(1, 5), pb.tag(91, 3), pb.tag(91, 4), pb.tag(90, 4)])
  const unknown = Buffer.concat([pb.int(50, 7), pb.double(51, 1), pb.text(52, 'x'), group, pb.int(1, 3)])
  const fixed32 = Buffer.concat([pb.tag(53, 5), Buffer.alloc(4)])
  const { spans } = decodeProtobuf(Buffer.concat([unknown, known, fixed32, unknown]))
  deepEqual(spans[0]!.attributes, ['a', 1])
})

test('a resource and a scope may come after their spans', () => {
  const span = pb.spanBytes(2, jsonSpan({ id: 1 }))
  const scope = pb.message(1, pb.text(1, 'lib'))
  const resource = pb.message(1, pb.keyValue(1, { key: 'service.name', value: { stringValue: 'late' } }))
  const body = pb.message(1, pb.message(2, span, scope), resource)
  const [only] = decodeProtobuf(body).spans
  deepEqual([only!.resource.service, only!.scope], ['late', 'lib'])
})

for (const [what, body] of [
  ['a length beyond the end', Buffer.concat([pb.tag(1, 2), pb.varint(1_000)])],
  ['a length of 2^32 and more', Buffer.concat([pb.tag(1, 2), pb.varint(2n ** 62n)])],
  ['field number 0', Buffer.from([0x02, 0x00])],
  ['a group that never ends', pb.tag(9, 3)],
  ['groups without end', Buffer.concat(Array.from({ length: 10_000 }, () => pb.tag(9, 3)))],
  ['the end of a group that has not begun', pb.tag(9, 4)],
  ['wire type 6', pb.tag(9, 6)],
  ['a number of eleven bytes', Buffer.concat([pb.tag(9, 0), Buffer.alloc(11, 0xff)])],
] as const) {
  test(`${what} is malformed`, () => {
    throws(() => decodeProtobuf(body), MalformedError)
  })
}

test('what one span brings is bounded and counted, the same in both encodings', () => {
  const many = Array.from({ length: 100_000 }, (_, i) => ({ key: `k${i}`, value: { intValue: i } }))
  const huge = 'x'.repeat(10 * 1024 * 1024)
  const given = {
    resourceSpans: [
      {
        resource: { attributes: [] },
        scopeSpans: [
          {
            spans: [
              { ...jsonSpan({ id: 1 }), attributes: many },
              {
                ...jsonSpan({ id: 2 }),
                name: huge,
                attributes: [{ key: huge, value: { stringValue: huge } }],
                events: Array.from({ length: 1_000 }, () => ({
                  timeUnixNano: '1',
                  name: 'e',
                  attributes: [],
                })),
                links: Array.from({ length: 1_000 }, () => ({
                  traceId: 'a'.repeat(32),
                  spanId: 'b'.repeat(16),
                  attributes: [],
                })),
              },
            ],
          },
        ],
      },
    ],
  }
  for (const { spans, notes } of [
    decodeJson(JSON.parse(JSON.stringify(given))),
    decodeProtobuf(pb.requestBytes(given)),
  ]) {
    equal(spans[0]!.attributes.length, 256)
    equal(notes.attributesDropped, 100_000 - 128)
    const [key, value] = spans[1]!.attributes as [string, string]
    deepEqual([spans[1]!.name.length, key.length, value.length], [1_024, 256, 4_096])
    deepEqual([spans[1]!.events.length, spans[1]!.links.length], [128, 128])
    deepEqual([notes.valuesCut, notes.eventsDropped, notes.linksDropped], [3, 872, 872])
  }
})

test('values that are nested without end are cut, in both encodings', () => {
  let value: pb.KeyValue['value'] = { stringValue: 'deep' }
  for (let i = 0; i < 300; i++) value = { arrayValue: { values: [value] } }
  const given = {
    resourceSpans: [
      {
        resource: { attributes: [] },
        scopeSpans: [{ spans: [{ ...jsonSpan({ id: 1 }), attributes: [{ key: 'a', value }] }] }],
      },
    ],
  }
  const expected = '[[[[[[[[[]]]]]]]]]'
  for (const { spans, notes } of [decodeJson(given), decodeProtobuf(pb.requestBytes(given))]) {
    equal(spans[0]!.attributes[1], expected)
    equal(notes.valuesCut, 1)
  }
})

test('a text that is no UTF-8 is mended and counted', () => {
  const bad = Buffer.from([0x47, 0x45, 0x54, 0xff, 0xc3, 0x28])
  const span = Buffer.concat([pb.hex(1, 'a'.repeat(32)), pb.hex(2, 'b'.repeat(16)), pb.bytes(5, bad)])
  const { spans, notes } = decodeProtobuf(pb.message(1, pb.message(2, pb.bytes(2, span))))
  ok(spans[0]!.name.startsWith('GET\ufffd'))
  equal(notes.notUtf8, 1)
})
