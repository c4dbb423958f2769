import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NEW_SPAN, NEW_TRACE, propagated } from '../../support/propagate-request.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const jaegerOnly = { extract: ['jaeger'] } as const
const otOnly = { extract: ['ot'] } as const
const uber = (value: string) => ({ 'uber-trace-id': value })

describe('jaeger', () => {
  const read: [value: string, traceId: string, spanId: string, sampled: boolean][] = [
    [`${TRACE}:${SPAN}:ff:00`, TRACE, SPAN, false],
    [`${TRACE}:${SPAN}:${'1234567890'.repeat(4)}:1`, TRACE, SPAN, true],
    [`${TRACE.toUpperCase()}:${SPAN}:0:9`, TRACE, SPAN, true],
    [`${TRACE}:${SPAN}:0:2`, TRACE, SPAN, false],
    ['1:2:0:1', '1'.padStart(32, '0'), '2'.padStart(16, '0'), true],
    [`${TRACE}%3a${SPAN}%3A0%3a1`, TRACE, SPAN, true],
  ]
  for (const [value, traceId, spanId, sampled] of read) {
    test(`reads ${value}`, () => {
      const { context } = propagated(uber(value), jaegerOnly)
      assert.deepEqual(
        [context?.traceId, context?.parentSpanId, context?.sampled],
        [traceId, spanId, sampled],
      )
    })
  }

  const broken = [
    '',
    `${TRACE}:${SPAN}:0`,
    `${TRACE}:${SPAN}:0:1:1`,
    `${TRACE}0:${SPAN}:0:1`,
    `${TRACE}:${SPAN}0:0:1`,
    `${TRACE}::0:1`,
    `${TRACE}:${SPAN}::1`,
    `${TRACE}:${SPAN}:vv:1`,
    `${TRACE}:${SPAN}:0:`,
    `${TRACE}:${SPAN}:0:v`,
    `${TRACE}:0:0:1`,
    '0:1:0:1',
  ]
  for (const value of broken) {
    test(`does not read ${JSON.stringify(value)}`, () =>
      assert.equal(propagated(uber(value), jaegerOnly).context, null))
  }

  test('sends the ids in the size they came in, the caller as parent, and keeps debug', () => {
    const { sent } = propagated(uber(`8448eb211c80319c:${SPAN}:0:3`), jaegerOnly)
    assert.equal(sent['uber-trace-id'], `8448eb211c80319c:${NEW_SPAN}:${SPAN}:03`)
  })

  test('debug does not cross over to other formats', () => {
    const { sent } = propagated(uber(`${TRACE}:${SPAN}:0:3`), { ...jaegerOnly, inject: ['b3', 'b3-single'] })
    assert.equal(sent['x-b3-sampled'], '1')
    assert.equal(sent['b3'], `${TRACE}-${NEW_SPAN}-1-${SPAN}`)
  })

  const baggage: [raw: string, value: string, sent: string][] = [
    ['bar', 'bar', 'bar'],
    ['a b/c', 'a b/c', 'a%20b%2Fc'],
    ['a+b', 'a b', 'a%20b'],
    ['%zz 4%', '%zz 4%', '%25zz%204%25'],
    ['%e2%82%ac', '€', '%E2%82%AC'],
    ["!'()*~-_.", "!'()*~-_.", "!'()*~-_."],
    ['a%0d%0ab', 'a\r\nb', 'a%0D%0Ab'],
  ]
  for (const [raw, value, sent] of baggage) {
    test(`reads baggage ${raw} and sends ${sent}`, () => {
      const all = propagated({ ...uber(`${TRACE}:${SPAN}:0:1`), 'uberctx-foo': raw }, jaegerOnly)
      assert.deepEqual(all.context?.baggage, [['foo', value]])
      assert.equal(all.sent['uberctx-foo'], sent)
    })
  }

  test('baggage that is no text, came twice or has no name stays as it came', () => {
    // \ufffd is what the PDK's MsgPack makes of a byte that is not UTF-8.
    const odd = { 'uberctx-a': '%ff', 'uberctx-b': ['1', '2'], 'uberctx-': '1', 'uberctx-c': 'a\ufffd' }
    const { context, sent } = propagated({ ...uber(`${TRACE}:${SPAN}:0:1`), ...odd }, jaegerOnly)
    assert.deepEqual(context?.baggage, [])
    assert.deepEqual({ ...sent, ...odd }, sent)
  })

  test('white space around baggage, which nginx leaves where it is a tab, is no part of it', () => {
    const { context, sent } = propagated(
      { ...uber(`${TRACE}:${SPAN}:0:1`), 'uberctx-foo': '\ta b \t' },
      jaegerOnly,
    )
    assert.deepEqual([context?.baggage, sent['uberctx-foo']], [[['foo', 'a b']], 'a%20b'])
  })

  test('baggage crosses over to ot', () => {
    const headers = { ...uber(`${TRACE}:${SPAN}:0:1`), 'uberctx-foo': 'a b' }
    assert.equal(propagated(headers, { ...jaegerOnly, inject: ['ot'] }).sent['ot-baggage-foo'], 'a%20b')
  })
})

describe('ot', () => {
  test('continues a trace without span and decision', () => {
    const { context, sent } = propagated({ 'ot-tracer-traceid': TRACE }, otOnly)
    assert.deepEqual([context?.traceId, context?.parentSpanId, context?.sampled], [TRACE, null, null])
    assert.equal(sent['ot-tracer-traceid'], TRACE)
  })

  test('sends the last eight bytes of a trace that is new or came in another size', () => {
    assert.equal(propagated({}, { inject: ['ot'] }).sent['ot-tracer-traceid'], NEW_TRACE.slice(16))
    const datadog = { 'x-datadog-trace-id': '7', 'x-datadog-sampling-priority': '1' }
    assert.equal(propagated(datadog, { inject: ['ot'] }).sent['ot-tracer-traceid'], '0000000000000007')
  })

  test('a trace whose last eight bytes are zero goes out whole', () => {
    const { sent } = propagated({ 'uber-trace-id': `a${'0'.repeat(16)}:1:0:1` }, { inject: ['ot'] })
    assert.equal(sent['ot-tracer-traceid'], `a${'0'.repeat(16)}`.padStart(32, '0'))
  })

  test('broken ids without a decision are as none', () => {
    for (const id of ['xx', '', '0'.repeat(32), [TRACE, TRACE]]) {
      assert.equal(propagated({ 'ot-tracer-traceid': id }, otOnly).context, null)
    }
    const badSpan = { 'ot-tracer-traceid': TRACE, 'ot-tracer-spanid': 'zz' }
    assert.equal(propagated(badSpan, otOnly).context, null)
  })

  test('a header that only looks like baggage is none', () => {
    const headers = { 'ot-tracer-traceid': TRACE, 'otttttbaggage-foo': 'bar' }
    assert.deepEqual(propagated(headers, otOnly).context?.baggage, [])
  })
})
