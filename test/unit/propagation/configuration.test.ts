import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inOneCall } from '../../../plugins/propagation/header-changes.ts'
import { fixedRandom, NEW_SPAN, NEW_TRACE, propagated } from '../../support/propagate-request.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const OTHER = 'dc9d1b0ccedf0ecaf4f26ffab84d4f5e'
const SPAN = 'b7ad6b7169203331'
const traceparent = `00-${TRACE}-${SPAN}-01`

describe('extract', () => {
  test('a decision without ids counts where no format holds a trace', () => {
    const { sent } = propagated({ 'x-b3-traceid': 'zz', 'x-datadog-sampling-priority': '0' })
    assert.equal(sent['x-datadog-trace-id'], BigInt(`0x${NEW_TRACE.slice(16)}`).toString())
    assert.equal(sent['x-datadog-sampling-priority'], '0')
  })

  test('the first of two decisions counts', () => {
    const { context } = propagated({ 'x-b3-sampled': '1', 'x-datadog-sampling-priority': '0' })
    assert.deepEqual([context?.format, context?.sampled], ['b3', true])
  })

  test('headers that cannot come from a request are as none', () => {
    const odd = { traceparent: true, tracestate: [7], b3: {}, 'x-trace-id': null, 'uberctx-a': 5 }
    const { span } = propagated(odd as never)
    assert.equal(span.traceId, NEW_TRACE)
  })
})

describe('preserve', () => {
  test('writes what came in and not the default', () => {
    const { changes } = propagated({ 'x-cloud-trace-context': `${TRACE}/1;o=1` })
    assert.deepEqual(Object.keys(changes.set), ['x-cloud-trace-context'])
  })

  test('keeps a traceparent of the same trace in step, whichever format is read first', () => {
    const headers = { b3: `${TRACE}-${SPAN}-1`, traceparent }
    const { sent } = propagated(headers, { extract: ['b3', 'w3c'] })
    assert.deepEqual(sent, {
      b3: `${TRACE}-${NEW_SPAN}-1-${SPAN}`,
      traceparent: `00-${TRACE}-${NEW_SPAN}-01`,
    })
  })

  test('does not pass on a broken traceparent with its tracestate', () => {
    const { sent } = propagated({ traceparent: 'garbage', tracestate: 'foo=1', b3: `${TRACE}-${SPAN}-1` })
    assert.deepEqual(sent, {
      b3: `${TRACE}-${NEW_SPAN}-1-${SPAN}`,
      traceparent: `00-${TRACE}-${NEW_SPAN}-01`,
    })
  })

  test('leaves a traceparent of another trace, one that is not to be read, and one that is cleared', () => {
    const b3 = `${OTHER}-${SPAN}-1`
    const sent = `${OTHER}-${NEW_SPAN}-1-${SPAN}`
    assert.deepEqual(propagated({ b3, traceparent }, { extract: ['b3', 'w3c'] }).sent, {
      b3: sent,
      traceparent,
    })
    assert.deepEqual(propagated({ b3, traceparent: 'x' }, { extract: ['b3'] }).sent, {
      b3: sent,
      traceparent: 'x',
    })
    const cleared = { extract: ['b3', 'w3c'], clear: ['TRACEPARENT'] } as const
    assert.deepEqual(propagated({ b3, traceparent: 'x' }, cleared).sent, { b3: sent })
  })
})

describe('clear', () => {
  test('takes headers off whose names are written in any case', () => {
    const { sent } = propagated(
      { traceparent, 'x-b3-traceid': OTHER, other: '1' },
      { clear: ['X-B3-TraceId'] },
    )
    assert.deepEqual(Object.keys(sent), ['traceparent', 'other'])
  })

  test('works where nothing is injected', () => {
    const { sent } = propagated({ traceparent }, { inject: [], clear: ['traceparent'] })
    assert.deepEqual(sent, {})
  })

  test('names nothing that did not come in', () => {
    assert.deepEqual(propagated({ traceparent }, { clear: ['x-b3-traceid'] }).changes.remove, [])
  })
})

test('all changes fit into one call, where an empty list takes a header off', () => {
  const { changes } = propagated({ traceparent: 'x', tracestate: 'foo=1' })
  assert.deepEqual(inOneCall(changes), { traceparent: `00-${NEW_TRACE}-${NEW_SPAN}-03`, tracestate: [] })
})

describe('sampling', () => {
  test('a decision that came in is followed whatever the rate', () => {
    assert.equal(propagated({ traceparent }, { samplingRate: 0 }).span.sampled, true)
    assert.equal(
      propagated({ traceparent: `00-${TRACE}-${SPAN}-00` }, { samplingRate: 1 }).span.sampled,
      false,
    )
  })

  test('without one the rate decides', () => {
    const sampled = (samplingRate: number, unit: number) =>
      propagated({}, { samplingRate }, fixedRandom(unit)).span.sampled
    assert.deepEqual(
      [sampled(0, 0), sampled(1, 0.999999), sampled(0.5, 0.499), sampled(0.5, 0.5)],
      [false, true, true, false],
    )
  })

  test('a span is named also where no header is touched', () => {
    const { span, changes } = propagated({ traceparent }, { inject: [] })
    assert.deepEqual([span.traceId, span.parentSpanId, span.spanId], [TRACE, SPAN, NEW_SPAN])
    assert.deepEqual(changes, { set: {}, remove: [] })
  })
})
