import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEW_SPAN, NEW_TRACE, propagated } from '../../support/propagate-request.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const family = {
  'x-trace-id': TRACE,
  'x-span-id': SPAN,
  'x-parent-span-id': 'b7ad6b7169203331',
  'x-trace-flags': '1',
  'x-trace-baggage': '{"user": "7", "n": 1, "b": true, "deep": {}}',
}

test('the old family is continued, and W3C goes beside it', () => {
  const { context, sent } = propagated(family)
  assert.deepEqual(
    [context?.format, context?.traceId, context?.parentSpanId, context?.sampled],
    ['mesh', TRACE, SPAN, true],
  )
  assert.deepEqual(context?.baggage, [
    ['user', '7'],
    ['n', '1'],
    ['b', 'true'],
  ])
  assert.deepEqual(sent, {
    ...family,
    'x-span-id': NEW_SPAN,
    'x-parent-span-id': SPAN,
    traceparent: `00-${TRACE}-${NEW_SPAN}-01`,
  })
})

for (const [flags, sampled] of [
  ['0', false],
  ['00', false],
  ['1', true],
  ['01', true],
  ['2', null],
  ['', null],
] as const) {
  test(`flags ${JSON.stringify(flags)} mean ${sampled}`, () =>
    assert.equal(propagated({ ...family, 'x-trace-flags': flags }).context?.sampled, sampled))
}

test('it stays in step where a traceparent came beside it', () => {
  const { sent } = propagated({ ...family, traceparent: `00-${TRACE}-${SPAN}-00` })
  assert.deepEqual(sent, {
    ...family,
    'x-span-id': NEW_SPAN,
    'x-parent-span-id': SPAN,
    'x-trace-flags': '0',
    traceparent: `00-${TRACE}-${NEW_SPAN}-00`,
  })
})

test('a number of somebody else in X-Trace-Id is not touched', () => {
  for (const id of ['4bf92f35-77b3-4da6-a3ce-929d0e0e4736', 'abc', TRACE.toUpperCase(), '0'.repeat(32), '']) {
    const { context, sent } = propagated({ 'x-trace-id': id })
    assert.equal(context, null)
    assert.deepEqual(sent, { 'x-trace-id': id, traceparent: `00-${NEW_TRACE}-${NEW_SPAN}-03` })
  }
  const besideW3c = { 'x-trace-id': NEW_TRACE, traceparent: `00-${TRACE}-${SPAN}-01` }
  assert.equal(propagated(besideW3c).sent['x-trace-id'], NEW_TRACE)
})

test('a broken span id is not continued', () => {
  assert.equal(propagated({ 'x-trace-id': TRACE, 'x-span-id': 'zz' }).context, null)
})

test('baggage that is not an object of JSON is not understood and passes as it came', () => {
  for (const text of ['', '{', '[1]', '"a"', 'null', `{"a":"${'x'.repeat(9_000)}"}`]) {
    const { context, sent } = propagated({ ...family, 'x-trace-baggage': text })
    assert.deepEqual(context?.baggage, [])
    assert.equal(sent['x-trace-baggage'], text)
  }
})

test('baggage of another format goes into it as JSON in ASCII', () => {
  const jaeger = {
    'uber-trace-id': `${TRACE}:${SPAN}:0:1`,
    'uberctx-foo': '%e2%82%ac%0a',
    'uberctx-__proto__': 'x',
  }
  const { sent } = propagated(jaeger, { inject: ['mesh'] })
  assert.equal(sent['x-trace-baggage'], '{"foo":"\\u20ac\\n","__proto__":"x"}')
})

test('its baggage goes into other formats where the name can be part of a header name', () => {
  const headers = { ...family, 'x-trace-baggage': '{"User":"a b","no good":"1","":"2","x\\r\\ny":"3"}' }
  const { changes } = propagated(headers, { inject: ['jaeger'] })
  assert.deepEqual(Object.keys(changes.set), ['uber-trace-id', 'uberctx-user'])
})
