import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeJson } from '../../../operator/traces/otlp/decode-json.ts'
import { searchTraces, type TraceQuery } from '../../../operator/traces/search-traces.ts'
import type { StoredSpan } from '../../../operator/traces/stored-trace.ts'
import { outlineOf } from '../../../operator/traces/trace-outline.ts'
import { TraceStore } from '../../../operator/traces/trace-store.ts'
import { jsonRequest, type SpanGiven, spanId, traceId } from '../../support/otlp-spans.ts'
import { checkBooks } from '../../support/trace-books.ts'
import { meshTrace } from '../../support/trace-load.ts'

const NOW_MS = 1_795_454_400_000
const read = (spans: readonly SpanGiven[]) => decodeJson(jsonRequest(spans)).spans
const add = (store: TraceStore, spans: readonly SpanGiven[], nowMs = NOW_MS) => store.add(read(spans), nowMs)
const idsOf = (store: TraceStore) => [...store.traces()].map(({ id }) => Number.parseInt(id, 16))
const edgesOf = (store: TraceStore) =>
  store.edges
    .list()
    .map(
      ({ caller, callee, via, calls }) =>
        `${caller}>${callee}${via && `@${via}`} ${calls.calls}/${calls.errors}`,
    )

test('the first to arrive is the first to go, whatever times its spans claim', () => {
  const store = new TraceStore({ maxTraces: 3 })
  // The slowest of a service are worth keeping: these take no time at all but for the first ten.
  for (let trace = 1; trace <= 6; trace++)
    add(store, [{ trace, id: trace, parent: 99, startMs: -trace * 1e6, ms: 0 }])
  deepEqual(idsOf(store), [4, 5, 6])
  equal(store.evicted, 3)
})

test('a fifth is for traces with errors, whose oldest go when there are more', () => {
  const store = new TraceStore({ maxTraces: 10 })
  const plain = (trace: number) => [{ trace, id: trace, parent: 99 }]
  for (let trace = 1; trace <= 4; trace++) add(store, [{ ...plain(trace)[0]!, isError: true }])
  for (let trace = 5; trace <= 30; trace++) add(store, plain(trace))
  deepEqual(idsOf(store), [3, 4, 23, 24, 25, 26, 27, 28, 29, 30])
  equal(store.reservedCount, 2)
})

test('the slowest of a service stay beyond their time', () => {
  const store = new TraceStore({ maxTraces: 100 })
  for (let trace = 1; trace <= 300; trace++) {
    add(store, [{ trace, id: trace, kind: 'server', ms: trace === 7 ? 5_000 : 1 + (trace % 5) }])
  }
  ok(store.get(traceId(7)) !== undefined)
  ok(store.reservedCount >= 1 && store.reservedCount <= 20)
})

test('late spans of a trace that has gone do not bring half of it back', () => {
  const store = new TraceStore({ maxTraces: 2 })
  for (let trace = 1; trace <= 3; trace++) add(store, [{ trace, id: 1, parent: 99 }])
  deepEqual(add(store, [{ trace: 1, id: 2, parent: 1 }]), { kept: 0, duplicate: 0, late: 1, overLimit: 0 })
  deepEqual(idsOf(store), [2, 3])
})

test('the ids of traces that have gone are not remembered without end', () => {
  const store = new TraceStore({ maxTraces: 2 })
  for (let trace = 1; trace <= 50; trace++) add(store, [{ trace, id: 1, parent: 99 }])
  equal(add(store, [{ trace: 1, id: 2 }]).kept, 1)
})

test('a span that comes twice is kept once, and more spans than a trace may have are counted', () => {
  const store = new TraceStore({ maxSpansPerTrace: 3 })
  const spans = [1, 2, 2, 3, 4, 5].map((id) => ({ id }))
  deepEqual(add(store, spans), { kept: 3, duplicate: 1, late: 0, overLimit: 2 })
  equal(store.get(traceId(1))!.dropped, 2)
})

test('bytes are bounded for all traces and for one', () => {
  const maxBytes = 1024 * 1024
  const store = new TraceStore({ maxBytes })
  const big = 'x'.repeat(4_000)
  for (let trace = 1; trace <= 600; trace++) {
    add(store, [{ trace, id: 1, parent: 99, attributes: { big: `${trace}${big}` } }])
    ok(store.bytes <= maxBytes, `${store.bytes} bytes`)
  }
  ok(store.traceCount > 100 && store.traceCount < 300)
  const spans = Array.from({ length: 100 }, (_, id) => ({
    trace: 9_999,
    id: id + 1,
    attributes: { big: `${id}${big}` },
  }))
  const { overLimit, kept } = add(store, spans)
  ok(kept >= 10 && kept < 20 && overLimit === 100 - kept, `${kept} kept`)
})

test('parents may come after their children, and in any order they make the same tree', () => {
  const spans = meshTrace(1)
  const parents = (store: TraceStore) =>
    store
      .get(traceId(1))!
      .spans.map(({ id, parent }) => `${id} ${parent?.id}`)
      .sort()
  const inOrder = new TraceStore()
  add(inOrder, spans)
  fc.assert(
    fc.property(fc.shuffledSubarray(spans, { minLength: spans.length }), (shuffled) => {
      const store = new TraceStore()
      for (const span of shuffled) add(store, [span])
      deepEqual(parents(store), parents(inOrder))
      deepEqual(edgesOf(store), edgesOf(inOrder))
    }),
  )
})

test('a call is counted once, by whoever knows it best, and through the gateway as well', () => {
  const store = new TraceStore()
  add(store, meshTrace(1, true))
  deepEqual(edgesOf(store), [
    'api>postgresql 1/0',
    'kong>api 1/0',
    'kong>web 1/1',
    'web>api@kong 1/0',
    'web>kong 1/0',
  ])
})

test('services without spans of their own are drawn from the tries of the gateway', () => {
  const store = new TraceStore()
  const gateway = (id: number, parent: number | undefined, service: string): SpanGiven[] => [
    {
      id,
      ...(parent === undefined ? {} : { parent }),
      service: 'kong',
      kind: 'server',
      attributes: { 'mesh.source': 'upstream', 'mesh.service': service },
    },
    {
      id: id + 1,
      parent: id,
      service: 'kong',
      kind: 'client',
      attributes: { 'peer.service': service },
      isError: true,
    },
    { id: id + 2, parent: id, service: 'kong', kind: 'client', attributes: { 'peer.service': service } },
  ]
  add(store, [...gateway(10, 99, 'web'), ...gateway(20, 10, 'api'), ...gateway(30, 20, 'store')])
  deepEqual(edgesOf(store), [
    'api>store@kong 2/1',
    'kong>api 2/1',
    'kong>store 2/1',
    'kong>web 2/1',
    'web>api@kong 2/1',
  ])
  deepEqual(outlineOf(store.get(traceId(1))!).services, ['api', 'kong', 'store', 'web'])
})

test('an instance whose service the gateway does not know is no service; an address that a service calls is one', () => {
  const store = new TraceStore()
  const address = { 'server.address': '10.0.0.5', 'server.port': 5432 }
  add(store, [
    { id: 1, service: 'kong', kind: 'client', attributes: { ...address, 'mesh.instance': '10.0.0.5:5432' } },
    { id: 2, service: 'api', kind: 'client', attributes: address },
  ])
  deepEqual(edgesOf(store), ['api>10.0.0.5:5432 1/0'])
})

test('circles of parents are broken and counted', () => {
  const store = new TraceStore()
  add(store, [
    { id: 1, parent: 2 },
    { id: 2, parent: 3 },
    { id: 3, parent: 1 },
    { id: 4, parent: 4 },
  ])
  const trace = store.get(traceId(1))!
  equal(trace.circles, 2)
  equal(trace.spans.filter(({ parent }) => parent === undefined).length, 2)
  equal(outlineOf(trace).durationMs, 10)
})

// The store against one that keeps everything in a list and looks through all of it.
const SERVICES = ['web', 'api', 'store']
const NAMES = ['GET /', 'GET /x', 'work']
const spanOf: fc.Arbitrary<SpanGiven> = fc.record({
  trace: fc.integer({ min: 1, max: 25 }),
  id: fc.integer({ min: 1, max: 8 }),
  parent: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined as never }),
  service: fc.constantFrom(...SERVICES),
  name: fc.constantFrom(...NAMES),
  kind: fc.constantFrom('server', 'client', 'internal'),
  startMs: fc.integer({ min: 0, max: 1_000 }),
  ms: fc.integer({ min: 0, max: 50 }),
  isError: fc.boolean(),
  attributes: fc.record(
    {
      a: fc.integer({ min: 0, max: 2 }),
      b: fc.constantFrom('x', 'y'),
      'peer.service': fc.constantFrom(...SERVICES, 'db'),
    },
    { requiredKeys: [] },
  ),
}) as fc.Arbitrary<SpanGiven>
const queries: fc.Arbitrary<TraceQuery> = fc.record(
  {
    service: fc.constantFrom(...SERVICES, 'nobody'),
    operation: fc.constantFrom(...NAMES, 'nothing'),
    minDurationMs: fc.integer({ min: 0, max: 600 }),
    maxDurationMs: fc.integer({ min: 0, max: 600 }),
    errorOnly: fc.boolean(),
    tags: fc.array(
      fc.constantFrom(
        ['a', '1'] as const,
        ['b', 'x'] as const,
        ['error', 'true'] as const,
        ['zz', '1'] as const,
      ),
      {
        maxLength: 2,
      },
    ),
    limit: fc.integer({ min: 1, max: 30 }),
    isOfOneSpan: fc.boolean(),
  },
  { requiredKeys: ['limit'] },
)

function naive(store: TraceStore, query: TraceQuery): readonly string[] {
  const has = (span: StoredSpan, [key, value]: readonly [string, string]) =>
    key === 'error'
      ? String(span.isError) === value
      : span.terms.some((term) => term.key === key && String(term.value) === value)
  const fits = (span: StoredSpan, { service, operation }: TraceQuery) =>
    (service === undefined || span.service === service) &&
    (operation === undefined || span.name.value === operation)
  const { minDurationMs = 0, maxDurationMs = 1e9, tags = [], service, operation } = query
  return [...store.traces()]
    .filter((trace) => {
      const { durationMs } = outlineOf(trace)
      if (query.errorOnly && !trace.spans.some(({ isError }) => isError)) return false
      if (query.isOfOneSpan) {
        return trace.spans.some(
          (span) =>
            fits(span, query) &&
            span.durationMs >= minDurationMs &&
            span.durationMs <= maxDurationMs &&
            tags.every((tag) => has(span, tag)),
        )
      }
      return (
        durationMs >= minDurationMs &&
        durationMs <= maxDurationMs &&
        (service === undefined && operation === undefined
          ? true
          : trace.spans.some((span) => fits(span, query))) &&
        tags.every((tag) => trace.spans.some((span) => has(span, tag)))
      )
    })
    .toSorted((l, r) => outlineOf(r).startUs - outlineOf(l).startUs || r.number - l.number)
    .map(({ id }) => id)
}

test('whatever arrives, bounds hold and every search finds what looking through everything finds', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(spanOf, { minLength: 1, maxLength: 8 }), { maxLength: 40 }),
      fc.array(queries, { minLength: 1, maxLength: 5 }),
      (batches, asked) => {
        const store = new TraceStore({ maxTraces: 10, maxSpansPerTrace: 5 })
        for (const batch of batches) {
          add(store, batch)
          ok(store.traceCount <= 10)
          for (const { spans } of store.traces()) ok(spans.length <= 5)
        }
        checkBooks(store)
        for (const query of asked) {
          const wanted = naive(store, query)
          const { traces, total } = searchTraces(store, query)
          equal(total, wanted.length, JSON.stringify(query))
          deepEqual(
            traces.map(({ id }) => id),
            wanted.slice(0, query.limit),
          )
        }
      },
    ),
    { numRuns: 200 },
  )
})

test('20,000 spans more leave the bounds intact and the indices consistent', () => {
  const store = new TraceStore({ maxTraces: 200 })
  for (let first = 1; first <= 2_000; first += 20) {
    add(store, Array.from({ length: 20 }, (_, i) => meshTrace(first + i, (first + i) % 50 === 0)).flat())
  }
  equal(store.traceCount, 200)
  equal(store.spanCount, 2_000)
  checkBooks(store)
  const { total } = searchTraces(store, {
    tags: [['kong.request.id', '000007d0c0ffeec0ffeec0ffeec0ffee']],
    limit: 5,
  })
  equal(total, 1)
  deepEqual(edgesOf(store).slice(0, 2), ['api>postgresql 2000/0', 'kong>api 2000/0'])
})

test('an id in a span is found however long the list of spans', () => {
  const store = new TraceStore()
  add(
    store,
    Array.from({ length: 1_500 }, (_, i) => ({ id: i + 1, ...(i === 0 ? {} : { parent: i }) })),
  )
  const trace = store.get(traceId(1))!
  equal(trace.find(spanId(1_400))!.parent!.id, spanId(1_399))
  equal(trace.orphans.length, 0)
})
