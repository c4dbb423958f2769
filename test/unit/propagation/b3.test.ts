import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NEW_SPAN, NEW_TRACE, propagated } from '../../support/propagate-request.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const GRAND = 'dc9d1b0ccedf0eca'
const b3Only = { extract: ['b3'] } as const

describe('b3 in several headers', () => {
  test('takes upper-case ids and sends them in lower case', () => {
    const { sent } = propagated({ 'x-b3-traceid': TRACE.toUpperCase(), 'x-b3-spanid': SPAN.toUpperCase() })
    assert.equal(sent['x-b3-traceid'], TRACE)
    assert.equal(sent['x-b3-parentspanid'], SPAN)
  })

  test('continues a trace without a span id', () => {
    const { context } = propagated({ 'x-b3-traceid': TRACE }, b3Only)
    assert.deepEqual([context?.traceId, context?.parentSpanId, context?.sampled], [TRACE, null, null])
  })

  for (const parent of ['zz', '', GRAND.slice(1), [GRAND, GRAND]]) {
    test(`a broken parent ${JSON.stringify(parent)} breaks the ids and does not stay`, () => {
      const { sent } = propagated(
        { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-parentspanid': parent },
        b3Only,
      )
      assert.equal(sent['x-b3-traceid'], NEW_TRACE)
      assert.equal(sent['x-b3-parentspanid'], undefined)
    })
  }

  test('an all-zero parent, as some send at the root, does no harm', () => {
    const headers = { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-parentspanid': '0'.repeat(16) }
    assert.equal(propagated(headers, b3Only).context?.traceId, TRACE)
  })

  test('an all-zero span id begins a new trace', () => {
    const headers = { 'x-b3-traceid': TRACE, 'x-b3-spanid': '0'.repeat(16), 'x-b3-sampled': '0' }
    const { context } = propagated(headers, b3Only)
    assert.deepEqual([context?.traceId, context?.parentSpanId, context?.sampled], [null, null, false])
  })

  test('debug goes on as a flag and is not contradicted by what came in', () => {
    const { sent } = propagated(
      { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-flags': '1', 'x-b3-sampled': '0' },
      b3Only,
    )
    assert.deepEqual([sent['x-b3-flags'], sent['x-b3-sampled']], ['1', '1'])
  })

  test('a debug flag that was not read does not force what is injected', () => {
    const { sent } = propagated(
      { 'x-b3-flags': '1', traceparent: `00-${TRACE}-${SPAN}-00` },
      { extract: ['w3c'], inject: ['b3'] },
    )
    assert.deepEqual([sent['x-b3-flags'], sent['x-b3-sampled']], [undefined, '0'])
  })
})

describe('b3 in one header', () => {
  const read: [value: string, sampled: boolean | null, isDebug: boolean][] = [
    [`${TRACE}-${SPAN}-1-${GRAND}`, true, false],
    [`${TRACE}-${SPAN}-0-${GRAND}`, false, false],
    [`${TRACE}-${SPAN}-d-${GRAND}`, true, true],
    [`${TRACE.toUpperCase()}-${SPAN.toUpperCase()}-1`, true, false],
    [`${TRACE}-${SPAN}-`, null, false],
    [` ${TRACE}-${SPAN}-1\t`, true, false],
  ]
  for (const [value, sampled, isDebug] of read) {
    test(`reads ${JSON.stringify(value)}`, () => {
      const { context } = propagated({ b3: value }, b3Only)
      assert.deepEqual(
        [context?.format, context?.traceId, context?.parentSpanId, context?.sampled, context?.isDebug],
        ['b3-single', TRACE, SPAN, sampled, isDebug],
      )
    })
  }

  for (const header of [`${'0'.repeat(32)}-${SPAN}-0`, `${TRACE}-${'0'.repeat(16)}-0`]) {
    test(`keeps the decision of ${header}, whose ids are none`, () => {
      const { context, sent } = propagated({ b3: header }, b3Only)
      assert.deepEqual([context?.traceId, context?.sampled], [null, false])
      assert.equal(sent['b3'], `${NEW_TRACE}-${NEW_SPAN}-0`)
    })
  }

  const broken = [
    '',
    'x',
    '2',
    `${TRACE}-`,
    TRACE,
    `${TRACE}-${SPAN}-1-xxx`,
    `${TRACE}-${SPAN}-d-${GRAND}0`,
    `${TRACE}-${SPAN}-1-${GRAND}-1`,
    `${TRACE}-${'0'.repeat(16)}-1`,
    `${'0'.repeat(32)}-${SPAN}-1`,
    `${TRACE}0-${SPAN}-1`,
    [`${TRACE}-${SPAN}-1`, `${TRACE}-${SPAN}-1`],
  ]
  for (const value of broken) {
    test(`begins a new trace for ${JSON.stringify(value)}`, () => {
      const { sent } = propagated({ b3: value }, b3Only)
      assert.deepEqual(sent, { b3: `${NEW_TRACE}-${NEW_SPAN}-1` })
    })
  }

  test('alone is read by b3-single', () => {
    const headers = { b3: '0', 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN }
    assert.equal(propagated(headers, { extract: ['b3-single'] }).context?.traceId, null)
    assert.equal(propagated(headers, { extract: ['b3'] }).context?.traceId, TRACE)
  })

  test('keeps the other headers in step when both forms came', () => {
    const { sent } = propagated(
      { b3: `${TRACE}-${SPAN}-1`, 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-sampled': '1' },
      b3Only,
    )
    assert.deepEqual(sent, {
      b3: `${TRACE}-${NEW_SPAN}-1-${SPAN}`,
      'x-b3-traceid': TRACE,
      'x-b3-spanid': NEW_SPAN,
      'x-b3-parentspanid': SPAN,
      'x-b3-sampled': '1',
    })
  })

  test('is also found as the only member of a tracestate line', () => {
    const headers = { tracestate: ['other=1', `b3=${TRACE}-${SPAN}-d`] }
    assert.equal(propagated(headers, b3Only).context?.traceId, TRACE)
  })

  test('a tracestate that holds no valid one is not B3', () => {
    for (const tracestate of ['foo=1', 'b3=', 'b3=zz', `foo=1,b3=${TRACE}-${SPAN}-1`]) {
      assert.equal(propagated({ tracestate }, b3Only).context, null)
    }
  })
})
