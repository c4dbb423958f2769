// Spans that somebody sends to do harm: each is refused or bounded, and counted, whatever its encoding.
import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { MalformedError } from '../../../operator/traces/otlp/span-input.ts'
import { TraceCollector } from '../../../operator/traces/trace-collector.ts'
import { TraceQueries } from '../../../operator/traces/trace-queries.ts'
import type { StoreBounds } from '../../../operator/traces/trace-store.ts'
import * as pb from '../../support/otlp-protobuf.ts'
import { jsonRequest, jsonSpan, type SpanGiven, spanId, traceId } from '../../support/otlp-spans.ts'

const NOW_MS = 1_795_454_400_000
const TEN_MB = 10 * 1024 * 1024

type Given = readonly object[]

/** A collector for each encoding that has taken these spans, with the view of their trace. */
function taken(spans: Given, bounds: Partial<StoreBounds> = {}) {
  const request = {
    resourceSpans: [
      { resource: { attributes: [] }, scopeSpans: [{ spans: spans as readonly pb.JsonSpan[] }] },
    ],
  }
  const bodies = [
    ['json', Buffer.from(JSON.stringify(request))],
    ['protobuf', pb.requestBytes(request)],
  ] as const
  return bodies.map(([encoding, bytes]) => {
    const collector = new TraceCollector(bounds)
    const answer = collector.take(bytes, encoding, NOW_MS)
    const queries = new TraceQueries(collector.store, () => NOW_MS)
    // Whatever is shown of it can be shown.
    JSON.stringify([queries.search({ limit: 10 }), queries.bottlenecks(900_000, 10)])
    JSON.stringify([queries.dependencies(null), queries.jaegerSearch({ limit: 10 })])
    const trace = queries.trace(traceId(1))
    return { encoding, collector, answer, trace, shown: JSON.stringify(trace) }
  })
}
const hostile = (id: number, over: object = {}) => ({ ...jsonSpan({ id }), ...over })

test('10 MB in the value, the key and the name of one span are cut, and count', () => {
  const huge = 'x'.repeat(TEN_MB)
  const spans = [hostile(1, { name: huge, attributes: [{ key: huge, value: { stringValue: huge } }] })]
  for (const { collector, trace, shown } of taken(spans)) {
    equal(collector.counts.notes.valuesCut, 3)
    ok(shown.length < 10_000, `${shown.length} characters`)
    ok(collector.store.bytes < 20_000, `${collector.store.bytes} bytes`)
    deepEqual([trace!.span_count, trace!.spans[0]!.operation.length], [1, 1_024])
  }
})

test('of 100,000 attributes 128 are kept, and the others count', () => {
  const attributes = Array.from({ length: 100_000 }, (_, i) => ({ key: `k${i}`, value: { intValue: i } }))
  for (const { collector, trace } of taken([hostile(1, { attributes })])) {
    equal(collector.counts.notes.attributesDropped, 99_872)
    equal(Object.keys(trace!.spans[0]!.attributes).length, 128)
    equal(collector.store.attributes.size, 128)
  }
})

test('parents in a circle, and a span that is its own parent, are cut open and count', () => {
  const spans = [
    hostile(1, { parentSpanId: spanId(2) }),
    hostile(2, { parentSpanId: spanId(3) }),
    hostile(3, { parentSpanId: spanId(1) }),
    hostile(4, { parentSpanId: spanId(4) }),
  ]
  for (const { collector, trace } of taken(spans)) {
    equal(collector.store.odd.circles, 2)
    deepEqual(trace!.spans.map(({ depth }) => depth).sort(), [0, 0, 1, 2])
  }
})

test('a span without times begins when it came and takes none, and counts', () => {
  const none = { startTimeUnixNano: '0', endTimeUnixNano: '0' }
  for (const { collector, trace } of taken([hostile(1, none)])) {
    equal(collector.store.odd.times, 1)
    const [span] = trace!.spans
    deepEqual([span!.start_time, span!.duration], [new Date(NOW_MS).toISOString(), 0])
  }
})

test('times at the end of all time, and an end before its start, do no harm and count', () => {
  const future = { startTimeUnixNano: '18446744073709551614', endTimeUnixNano: '18446744073709551615' }
  const backwards = { startTimeUnixNano: `${NOW_MS}000000`, endTimeUnixNano: '1' }
  for (const { collector, trace } of taken([hostile(1, future), hostile(2, backwards)])) {
    equal(collector.store.odd.times, 2)
    deepEqual(
      trace!.spans.map(({ duration }) => Math.round(duration)),
      [0, 0],
    )
    ok(trace!.total_duration >= 0 && Number.isFinite(trace!.total_duration))
  }
})

test('a span that lasts for centuries is shown as it says, and leaves the percentiles finite', () => {
  const endless = { startTimeUnixNano: `${NOW_MS}000000`, endTimeUnixNano: '18446744073709551615' }
  for (const { collector } of taken([hostile(1, { ...endless, kind: 2 })])) {
    const { calls } = collector.store.series.operations()[0]!
    ok(Number.isFinite(calls.latency.percentile(0.99)))
  }
})

test('ids that come again are kept once, and count', () => {
  for (const { collector, trace } of taken([hostile(1), hostile(1, { name: 'again' }), hostile(1)])) {
    deepEqual([collector.counts.kept, collector.counts.duplicate], [1, 2])
    deepEqual([trace!.span_count, trace!.spans[0]!.operation], [1, 'work'])
  }
})

test('markup, and names that objects have, are text and nothing else', () => {
  const markup = '<img src=x onerror=alert(1)>'
  const attributes = ['__proto__', 'constructor', 'toString'].map((key) => ({
    key,
    value: { stringValue: markup },
  }))
  for (const { trace } of taken([hostile(1, { name: markup, attributes })])) {
    const [span] = trace!.spans
    equal(span!.operation, markup)
    deepEqual(Object.entries(span!.attributes), [
      ['__proto__', markup],
      ['constructor', markup],
      ['toString', markup],
    ])
    equal((Object.prototype as Record<string, unknown>)['x'], undefined)
  }
})

test('a text that is no UTF-8 is mended and counts in protobuf, and makes JSON no request', () => {
  const bad = Buffer.from([0x47, 0x45, 0x54, 0xff, 0xc3, 0x28])
  const span = Buffer.concat([pb.hex(1, traceId(1)), pb.hex(2, spanId(1)), pb.bytes(5, bad)])
  const collector = new TraceCollector()
  collector.take(pb.message(1, pb.message(2, pb.bytes(2, span))), 'protobuf', NOW_MS)
  deepEqual([collector.counts.kept, collector.counts.notes.notUtf8], [1, 1])
  throws(() => collector.take(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'json', NOW_MS), MalformedError)
  equal(collector.counts.malformed, 1)
})

test('half of a surrogate pair is a text that every answer can carry', () => {
  for (const { shown } of taken([hostile(1, { name: 'a\ud800b' })])) {
    ok(!Buffer.from(shown).toString().includes('a\ud800b'))
    equal(typeof JSON.parse(shown).spans[0].operation, 'string')
  }
})

test('more spans than a trace may have count, and the sender is told how many', () => {
  const spans = Array.from({ length: 60 }, (_, i) => hostile(i + 1))
  for (const { collector, answer, trace } of taken(spans, { maxSpansPerTrace: 50 })) {
    deepEqual(answer, { rejected: 10, reason: 'a trace has too many spans' })
    deepEqual([collector.counts.overLimit, trace!.dropped_spans], [10, 10])
  }
})

test('a service and an operation of its own for each span fill no book without end', () => {
  const collector = new TraceCollector()
  const spans = Array.from(
    { length: 3_000 },
    (_, i): SpanGiven => ({
      ...{ trace: i + 1, id: 1, service: `s${i}`, name: `GET /${i}`, kind: 'client' },
      attributes: { 'peer.service': `t${i}` },
    }),
  )
  collector.take(Buffer.from(JSON.stringify(jsonRequest(spans))), 'json', NOW_MS)
  const { series, edges } = collector.store
  deepEqual([series.operations().length, edges.list().length], [2_001, 2_001])
  const other = series.operations().find(({ service }) => service === 'other')!
  equal(other.calls.calls, 1_000)
})

test('a thousand siblings and a thousand tries under one span of the gateway are taken in at once', () => {
  const many = (first: number, of: (at: number) => Partial<SpanGiven>): SpanGiven[] =>
    Array.from({ length: 990 }, (_, i) => ({ id: first + i, parent: 1, ...of(i) }))
  const siblings = many(10, (at) => ({ service: `s${at}`, kind: 'server' }))
  const tries = many(5_000, (at) => ({
    ...{ service: 'kong', kind: 'client', attributes: { 'peer.service': `t${at}` } },
  }))
  const collector = new TraceCollector()
  const startedAt = performance.now()
  for (let trace = 1; trace <= 5; trace++) {
    for (const spans of [[{ id: 1, service: 'kong', kind: 'server' } as const], siblings, tries]) {
      const request = jsonRequest(spans.map((span) => ({ ...span, trace })))
      collector.take(Buffer.from(JSON.stringify(request)), 'json', NOW_MS)
    }
  }
  ok(performance.now() - startedAt < 10_000, `${performance.now() - startedAt} ms`)
  equal(collector.counts.kept, 5 * 1_981)
})
