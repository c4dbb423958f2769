import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NEW_SPAN, NEW_TRACE, propagated } from '../../support/propagate-request.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const TRACEPARENT = `00-${TRACE}-${SPAN}-01`
const SPAN_DEC = '13235353014750950193'
const NEW_SPAN_DEC = BigInt(`0x${NEW_SPAN}`).toString()
const ids = (headers: Record<string, string | string[]>, format: 'datadog' | 'aws' | 'gcp') => {
  const { context } = propagated(headers, { extract: [format] })
  return context === null ? null : [context.traceId, context.parentSpanId, context.sampled]
}
const padded = (hex: string) => hex.padStart(32, '0')

describe('datadog', () => {
  const datadog = (trace?: string, parent?: string, priority?: string) =>
    ids(
      Object.fromEntries(
        Object.entries({
          'x-datadog-trace-id': trace,
          'x-datadog-parent-id': parent,
          'x-datadog-sampling-priority': priority,
        }).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
      ),
      'datadog',
    )
  test('takes ids of up to 128 bits, spaces around them, and leading zeros', () => {
    assert.deepEqual(datadog((2n ** 128n - 15n).toString(), '007', '1'), [
      'fffffffffffffffffffffffffffffff1',
      padded('7').slice(16),
      true,
    ])
    assert.deepEqual(datadog(' 7\t', '1'), [padded('7'), padded('1').slice(16), null])
  })
  test('a parent that is missing, 0 or broken is no parent', () => {
    for (const parent of [undefined, '0', '', 'b7ad6b7169203331', '-1', '1.5']) {
      assert.deepEqual(datadog('7', parent, '0'), [padded('7'), null, false])
    }
  })
  test('a trace id that is empty, hex, negative or beyond 128 bits leaves the decision alone', () => {
    for (const trace of ['', TRACE, '-7', (2n ** 128n).toString(), '1'.repeat(100_000)]) {
      assert.deepEqual(datadog(trace, '1', '0'), [null, null, false])
      assert.equal(datadog(trace, '1'), null)
    }
  })
  test('a trace whose last 64 bits are zero has no id here, and no 0 is sent for it', () => {
    assert.deepEqual(datadog((2n ** 64n).toString(), '1', '1'), [null, null, true])
    const traceparent = `00-${TRACE.slice(0, 16)}${'0'.repeat(16)}-${SPAN}-01`
    const { sent } = propagated({ traceparent, 'x-datadog-trace-id': '9' }, { inject: ['datadog', 'ot'] })
    assert.deepEqual(
      [sent['x-datadog-trace-id'], sent['x-datadog-parent-id'], sent['ot-tracer-traceid']],
      [undefined, undefined, traceparent.slice(3, 35)],
    )
  })
  test('tags and origin stay with their trace: _dd.p.tid is half of its id', () => {
    const tags = { 'x-datadog-tags': `_dd.p.tid=${TRACE.slice(0, 16)}`, 'x-datadog-origin': 'rum' }
    const kept = (trace: string, given: object) => {
      const { sent } = propagated({ ...given, ...tags, 'x-datadog-trace-id': trace }, { inject: ['datadog'] })
      return [sent['x-datadog-tags'], sent['x-datadog-origin']]
    }
    const same = [tags['x-datadog-tags'], 'rum']
    assert.deepEqual(kept('7', {}), same)
    assert.deepEqual(kept(BigInt(`0x${TRACE.slice(16)}`).toString(), { traceparent: TRACEPARENT }), same)
    assert.deepEqual(kept('7', { traceparent: TRACEPARENT }), [undefined, undefined])
    assert.deepEqual(kept('zz', {}), [undefined, undefined])
    const low = `00-${TRACE.slice(0, 16)}${'0'.repeat(16)}-${SPAN}-01`
    for (const trace of ['7', '0'])
      assert.deepEqual(kept(trace, { traceparent: low }), [undefined, undefined])
  })
  test('a priority that came twice is none that exists', () => {
    assert.equal(
      ids({ 'x-datadog-trace-id': '7', 'x-datadog-sampling-priority': ['1', '1'] }, 'datadog'),
      null,
    )
  })
  test('what a user kept or dropped stays so, in datadog alone', () => {
    for (const [priority, flags] of [
      ['2', '1'],
      ['-1', '0'],
    ] as const) {
      const headers = { 'x-datadog-trace-id': '7', 'x-datadog-sampling-priority': priority }
      const { sent } = propagated(headers, { extract: ['datadog'], inject: ['preserve', 'b3'] })
      assert.equal(sent['x-datadog-sampling-priority'], priority)
      assert.equal(sent['x-b3-sampled'], flags)
    }
  })
})

describe('aws', () => {
  const root = `Root=1-${TRACE.slice(0, 8)}-${TRACE.slice(8)}`
  const aws = (value: string) => ids({ 'x-amzn-trace-id': value }, 'aws')
  const read: [value: string, expected: unknown][] = [
    [`${root};Parent=${SPAN};Sampled=1`, [TRACE, SPAN, true]],
    [`Self=1-2-3;${root.toUpperCase().replace('ROOT', 'Root')};junk;=x;`, [TRACE, null, null]],
    [`${root};Parent=${SPAN};Sampled=?`, [TRACE, SPAN, null]],
    [`${root}; Sampled = 0 `, [TRACE, null, false]],
    ['Sampled=0', [null, null, false]],
    [`Parent=${SPAN}`, [null, null, null]],
  ]
  for (const [value, expected] of read) {
    test(`reads ${value}`, () => assert.deepEqual(aws(value), expected))
  }
  const broken = [
    '',
    'Self=1-2-3',
    `root=1-${TRACE.slice(0, 8)}-${TRACE.slice(8)}`,
    `Root=;Parent=${SPAN}`,
    `Root;Parent=${SPAN}`,
    `Root=01-${TRACE.slice(0, 8)}-${TRACE.slice(8)}`,
    `Root=1-${TRACE.slice(0, 9)}-${TRACE.slice(9)}`,
    `Root=1-${TRACE.slice(0, 8)}-vvcd43dd8448eb211c80319c`,
    `Root=1-00000000-${'0'.repeat(24)}`,
    `${root}-1`,
    `${root};Parent=`,
    `${root};Parent=${SPAN}0`,
    `${root};Parent=vvvvvvvvvvvvvvvv`,
    `${root};Parent=${'0'.repeat(16)}`,
    `${root};Sampled=`,
    `${root};Sampled=true`,
  ]
  for (const value of broken)
    test(`does not read ${JSON.stringify(value)}`, () => assert.equal(aws(value), null))

  test('that came twice is not read', () =>
    assert.equal(ids({ 'x-amzn-trace-id': [root, root] }, 'aws'), null))
})

describe('gcp', () => {
  const gcp = (value: string) => ids({ 'x-cloud-trace-context': value }, 'gcp')
  const read: [value: string, expected: unknown][] = [
    [`${TRACE}/${SPAN_DEC};o=1`, [TRACE, SPAN, true]],
    [`${TRACE}/${SPAN_DEC};o=9`, [TRACE, SPAN, false]],
    [`${TRACE}/0;o=1`, [TRACE, null, true]],
    [`${TRACE}/00000000000000000001;o=0`, [TRACE, padded('1').slice(16), false]],
    [`${TRACE}/18446744073709551615`, [TRACE, 'f'.repeat(16), false]],
  ]
  for (const [value, expected] of read) {
    test(`reads ${value}`, () => assert.deepEqual(gcp(value), expected))
  }
  const broken = [
    '',
    TRACE,
    `${TRACE};o=1`,
    `${TRACE}/;o=1`,
    `${TRACE.toUpperCase()}/1;o=1`,
    `${'0'.repeat(32)}/1;o=1`,
    `${TRACE}0/1;o=1`,
    `${TRACE.slice(1)}/1;o=1`,
    `${TRACE}/${SPAN};o=0`,
    `${TRACE}/1;o=`,
    `${TRACE}/1;o=v`,
    `${TRACE}/1;o=1;p=2`,
    `${TRACE}/1;p=1`,
    `${TRACE}/1/2;o=1`,
    `${TRACE}/-1;o=1`,
  ]
  for (const value of broken)
    test(`does not read ${JSON.stringify(value)}`, () => assert.equal(gcp(value), null))
})

test('a new trace goes out in every format that is asked for, with the same ids', () => {
  const { sent } = propagated(
    {},
    { inject: ['w3c', 'b3', 'b3-single', 'jaeger', 'ot', 'datadog', 'aws', 'gcp', 'mesh'] },
  )
  assert.deepEqual(sent, {
    traceparent: `00-${NEW_TRACE}-${NEW_SPAN}-03`,
    'x-b3-traceid': NEW_TRACE,
    'x-b3-spanid': NEW_SPAN,
    'x-b3-sampled': '1',
    b3: `${NEW_TRACE}-${NEW_SPAN}-1`,
    'uber-trace-id': `${NEW_TRACE}:${NEW_SPAN}:0:01`,
    'ot-tracer-traceid': NEW_TRACE.slice(16),
    'ot-tracer-spanid': NEW_SPAN,
    'ot-tracer-sampled': '1',
    'x-datadog-trace-id': '2459565876494606882',
    'x-datadog-parent-id': NEW_SPAN_DEC,
    'x-datadog-sampling-priority': '1',
    'x-amzn-trace-id': `Root=1-11111111-111111112222222222222222;Parent=${NEW_SPAN};Sampled=1`,
    'x-cloud-trace-context': `${NEW_TRACE}/${NEW_SPAN_DEC};o=1`,
    'x-trace-id': NEW_TRACE,
    'x-span-id': NEW_SPAN,
    'x-trace-flags': '1',
  })
})
