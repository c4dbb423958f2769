import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { extract } from '../../../plugins/propagation/extract.ts'
import { combineTracestate } from '../../../plugins/propagation/formats/tracestate.ts'
import { createRandomSource } from '../../../plugins/propagation/ids.ts'
import { propagate } from '../../../plugins/propagation/propagate.ts'
import { PROPAGATION_DEFAULTS } from '../../../plugins/propagation/propagation-config.ts'
import type { RequestHeaders } from '../../../plugins/propagation/request-headers.ts'
import { fuzzCases } from '../../support/fuzz-cases.ts'
import { anyConfig, anyHeaders } from './arbitrary-headers.ts'

const random = createRandomSource()
const RUNS = { numRuns: fuzzCases(10_000) }
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]$/

const sentOn = (headers: RequestHeaders, { set, remove }: ReturnType<typeof propagate>['headers']) =>
  Object.fromEntries([
    ...Object.entries(headers)
      .filter(([name]) => !remove.includes(name))
      .map(([name, value]) => [name, Array.isArray(value) && value.length === 1 ? value[0] : value]),
    ...Object.entries(set),
  ]) as RequestHeaders

test('no request headers and no configuration make it throw, and what it writes is always good', () => {
  fc.assert(
    fc.property(anyHeaders, anyConfig, (headers, config) => {
      const before = structuredClone(headers)
      const { span, headers: changes } = propagate(headers, config, random)
      assert.deepEqual(headers, before)
      assert.match(span.traceId, /^(?!0{32})[0-9a-f]{32}$/)
      assert.match(span.spanId, /^[0-9a-f]{16}$/)
      if (span.parentSpanId !== null) assert.match(span.parentSpanId, /^(?!0{16})[0-9a-f]{16}$/)
      for (const [name, value] of Object.entries(changes.set)) {
        assert.match(name, /^[!#$%&'*+.^_`|~0-9a-z-]+$/)
        assert.match(value, /^[\x20-\x7e]*$/)
      }
      for (const name of changes.remove)
        assert.ok(Object.hasOwn(headers, name) && !Object.hasOwn(changes.set, name))
      const traceparent = changes.set['traceparent']
      if (traceparent !== undefined) assert.match(traceparent, TRACEPARENT)
    }),
    RUNS,
  )
})

test('with the defaults the upstream gets one valid traceparent whenever one came in or nothing did', () => {
  fc.assert(
    fc.property(anyHeaders, (headers) => {
      const { span, headers: changes } = propagate(headers, PROPAGATION_DEFAULTS, random)
      const sent = sentOn(headers, changes)
      if (Object.hasOwn(headers, 'traceparent') || span.context === null) {
        assert.equal(typeof sent['traceparent'], 'string')
        assert.match(sent['traceparent'] as string, TRACEPARENT)
      }
      if (sent['traceparent'] === undefined || sent['tracestate'] === undefined) return
      assert.equal(combineTracestate([sent['tracestate'] as string]), sent['tracestate'])
    }),
    RUNS,
  )
})

for (const format of ['w3c', 'b3', 'b3-single', 'jaeger', 'aws', 'gcp', 'mesh'] as const) {
  test(`what is sent as ${format} is read again as the trace, the span and the decision it was`, () => {
    fc.assert(
      fc.property(anyHeaders, fc.double({ min: 0, max: 1, noNaN: true }), (headers, samplingRate) => {
        const config = { ...PROPAGATION_DEFAULTS, inject: [format], samplingRate }
        const { span, headers: changes } = propagate(headers, config, random)
        const again = extract(changes.set, { extract: [format] })
        assert.deepEqual(
          [again?.traceId, again?.parentSpanId, again?.sampled],
          [span.traceId, span.spanId, span.sampled],
        )
      }),
      { numRuns: 2_000 },
    )
  })
}

test('a megabyte in any header is dealt with at once', () => {
  const names = [
    'traceparent',
    'tracestate',
    'b3',
    'x-b3-traceid',
    'uber-trace-id',
    'uberctx-a',
    'ot-tracer-traceid',
  ]
  const more = [
    'x-datadog-trace-id',
    'x-amzn-trace-id',
    'x-cloud-trace-context',
    'x-trace-id',
    'x-trace-baggage',
  ]
  const startedAt = performance.now()
  for (const char of ['a', '0', ',', ';', '=', '-', ':', '%', ' ', '[', '%3a', 'a=1,']) {
    const value = char.repeat(1_000_000 / char.length)
    const headers = Object.fromEntries([...names, ...more].map((name) => [name, value]))
    assert.notEqual(propagate(headers, PROPAGATION_DEFAULTS, random).span.traceId, '')
  }
  const tookMs = performance.now() - startedAt
  assert.ok(tookMs < 5_000, `${tookMs} ms`) // 144 MB; anything but linear time takes minutes
})
