// Which traces the store keeps, against a store that is nothing but lists.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeJson } from '../../../operator/traces/otlp/decode-json.ts'
import { TraceStore } from '../../../operator/traces/trace-store.ts'
import { NaiveTraceStore } from '../../support/naive-trace-store.ts'
import { jsonRequest, type SpanGiven } from '../../support/otlp-spans.ts'

const spanOf: fc.Arbitrary<SpanGiven> = fc.record({
  trace: fc.integer({ min: 1, max: 40 }),
  id: fc.integer({ min: 1, max: 6 }),
  parent: fc.integer({ min: 1, max: 7 }),
  service: fc.constantFrom('web', 'api'),
  kind: fc.constantFrom('internal', 'client'),
  startMs: fc.integer({ min: -1e9, max: 1e9 }),
  isError: fc.boolean(),
  attributes: fc.record({ a: fc.integer({ min: 0, max: 3 }) }),
})

test('whatever arrives, the same traces and spans are kept as by lists that are gone through', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.array(spanOf, { minLength: 1, maxLength: 10 }), { maxLength: 30 }),
      (maxTraces, batches) => {
        const store = new TraceStore({ maxTraces, maxSpansPerTrace: 4 })
        const naive = new NaiveTraceStore(maxTraces, 4)
        const counts = { kept: 0, duplicate: 0, late: 0, overLimit: 0 }
        for (const batch of batches) {
          const { spans } = decodeJson(jsonRequest(batch))
          const added = store.add(spans, 1_795_454_400_000)
          for (const what of ['kept', 'duplicate', 'late', 'overLimit'] as const) counts[what] += added[what]
          naive.add(spans)
          const traces = [...store.traces()]
          const held = traces.map((trace) => `${trace.id} ${trace.spans.map(({ id }) => id).join(' ')}`)
          deepEqual(held.sort(), naive.held)
          deepEqual(counts, naive.counts)
          equal(
            store.spanCount,
            traces.reduce((sum, { spans: own }) => sum + own.length, 0),
          )
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('a store of a single trace keeps the last one, whatever went wrong before', () => {
  const store = new TraceStore({ maxTraces: 1 })
  for (let trace = 1; trace <= 3; trace++) {
    store.add(decodeJson(jsonRequest([{ trace, id: 1, parent: 9, isError: true }])).spans, 1_795_454_400_000)
    equal(store.traceCount, 1)
    equal(store.spanCount, 1)
    ok([...store.traces()].every(({ isGone, id }) => !isGone && Number.parseInt(id, 16) === trace))
  }
})
