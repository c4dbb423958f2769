import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { combineTracestate } from '../../../plugins/propagation/formats/tracestate.ts'
import { NEW_SPAN, NEW_TRACE, propagated } from '../../support/propagate-request.ts'

const TRACE = '12345678901234567890123456789012'
const PARENT = '1234567890123456'
const VALID = `00-${TRACE}-${PARENT}-01`

describe('traceparent', () => {
  const broken: [what: string, value: string][] = [
    ['an illegal second character of the version', `0.-${TRACE}-${PARENT}-01`],
    ['a version of four digits', `0000-${TRACE}-${PARENT}-01`],
    ['a version in upper case', `CC-${TRACE}-${PARENT}-01`],
    ['version ff with more fields', `ff-${TRACE}-${PARENT}-01-x`],
    ['a later version with other characters after the flags', `cc-${TRACE}-${PARENT}-011`],
    ['an illegal last character of the trace id', `00-1234567890123456789012345678901.-${PARENT}-01`],
    ['an illegal first character of the parent id', `00-${TRACE}-.234567890123456-01`],
    ['an illegal first character of the flags', `00-${TRACE}-${PARENT}-.0`],
    ['flags in upper case', `00-${TRACE}-${PARENT}-0A`],
    ['dashes in other places', `00-${TRACE}0${PARENT}-01`],
    ['full-width digits', `00-${TRACE.replace('1', '１')}-${PARENT}-01`],
    ['white space inside', `00-${TRACE}- ${PARENT.slice(1)}-01`],
    ['two values on one line', `${VALID},${VALID}`],
    ['an all-zero trace id of a later version', `cc-${'0'.repeat(32)}-${PARENT}-01`],
  ]
  for (const [what, value] of broken) {
    test(`with ${what} begins a new trace and drops the tracestate`, () => {
      const { sent } = propagated({ traceparent: value, tracestate: 'foo=1' })
      assert.deepEqual(sent, { traceparent: `00-${NEW_TRACE}-${NEW_SPAN}-03` })
    })
  }

  test('that came twice with one value begins a new trace as well', () => {
    const { sent } = propagated({ traceparent: [VALID, VALID] })
    assert.deepEqual(sent, { traceparent: `00-${NEW_TRACE}-${NEW_SPAN}-03` })
  })

  test('of a later version keeps both known flags and goes on as version 00', () => {
    const { sent } = propagated({ traceparent: `fe-${TRACE}-${PARENT}-ff-` })
    assert.deepEqual(sent, { traceparent: `00-${TRACE}-${NEW_SPAN}-03` })
  })

  test('names the span that is to be recorded, below the caller', () => {
    const { span } = propagated({ traceparent: VALID })
    assert.deepEqual(
      [span.traceId, span.spanId, span.parentSpanId, span.sampled],
      [TRACE, NEW_SPAN, PARENT, true],
    )
  })

  test('of another trace says nothing about the random flag and the tracestate of the one continued', () => {
    const { sent } = propagated(
      { traceparent: `00-${NEW_TRACE}-${PARENT}-03`, tracestate: 'foo=1', b3: `${TRACE}-${PARENT}-1` },
      { extract: ['b3', 'w3c'], inject: ['w3c'] },
    )
    assert.deepEqual(sent, { traceparent: `00-${TRACE}-${NEW_SPAN}-01`, b3: `${TRACE}-${PARENT}-1` })
  })

  test('of the trace that another format continues keeps random flag and tracestate', () => {
    const { sent } = propagated(
      { traceparent: `00-${TRACE}-${PARENT}-02`, tracestate: 'foo=1', b3: `${TRACE}-${PARENT}-1` },
      { extract: ['b3', 'w3c'], inject: ['w3c'] },
    )
    assert.equal(sent['traceparent'], `00-${TRACE}-${NEW_SPAN}-03`)
    assert.equal(sent['tracestate'], 'foo=1')
  })
})

describe('tracestate', () => {
  const key = 'abcdefghijklmnopqrstuvwxyz0123456789_-*/'
  const value = Array.from({ length: 0x7f - 0x20 }, (_, i) => String.fromCharCode(0x20 + i))
    .filter((char) => char !== ',' && char !== '=')
    .join('')
  const members = (count: number) => Array.from({ length: count }, (_, i) => `k${i}=${i}`).join(',')

  const kept: [what: string, lines: string[], combined: string][] = [
    ['all allowed characters', [`${key}=${value}`], `${key}=${value}`],
    ['a key with at signs', [`${key}@a@@b=${value},a=1`], `${key}@a@@b=${value},a=1`],
    ['an empty line before a member', ['', 'foo=1'], 'foo=1'],
    ['empty members', ['foo=1,,\t,bar=2,'], 'foo=1,bar=2'],
    ['white space around members', ['\t foo=1 \t', ' bar=2'], 'foo=1,bar=2'],
    ['leading spaces of a value', ['foo=  1'], 'foo=  1'],
    ['the same key twice', ['foo=1', 'foo=2'], 'foo=1,foo=2'],
    ['a key that is a digit', ['0=1'], '0=1'],
    ['a key of 256 characters', [`${'z'.repeat(256)}=1`], `${'z'.repeat(256)}=1`],
    ['a value of 256 characters', [`a=${'z'.repeat(256)}`], `a=${'z'.repeat(256)}`],
    ['32 members on several lines', [members(20), 'a=1,b=1,c=1', 'd=1,e=1,f=1,g=1,h=1,i=1,j=1,k=1,l=1'], ''],
    ['32 members and empty ones', [`${members(32)},,,`], members(32)],
  ]
  for (const [what, lines, combined] of kept) {
    test(`keeps ${what}`, () => assert.equal(combineTracestate(lines), combined || lines.join(',')))
  }

  const dropped: [what: string, lines: string[]][] = [
    ['33 members on several lines', [members(32), 'a=1']],
    ['an upper-case key', ['bar=1,FOO=1']],
    ['a key that begins with an underscore', ['_foo=1']],
    ['a key of 257 characters', ['foo=1', `${'z'.repeat(257)}=1`]],
    ['a value of 257 characters', [`a=${'z'.repeat(257)}`]],
    ['a member without a value', ['foo,bar=2']],
    ['a value of spaces', ['foo=  ,bar=2']],
    ['a tab inside a value', ['foo=a\tb']],
    ['a character that is not ASCII', ['foo=ü']],
    ['an empty key', ['=1']],
    ['nothing but commas', [',, ,']],
    ['a megabyte', [`a=1,${' ,'.repeat(500_000)}`]],
  ]
  for (const [what, lines] of dropped) {
    test(`drops the whole of it for ${what}`, () => assert.equal(combineTracestate(lines), null))
  }

  test('that is in order already is not written again', () => {
    const { changes } = propagated({ traceparent: VALID, tracestate: 'foo=1,bar=2' })
    assert.deepEqual(Object.keys(changes.set), ['traceparent'])
    assert.deepEqual(changes.remove, [])
  })

  test('is taken off when it is cleared', () => {
    const headers = { traceparent: VALID, tracestate: ['foo=1', 'bar=2'] }
    const { sent } = propagated(headers, { clear: ['TraceState', 'Traceparent'] })
    assert.deepEqual(sent, { traceparent: `00-${TRACE}-${NEW_SPAN}-01` })
  })
})

test('baggage of W3C passes as it came, also when the trace is new', () => {
  const baggage = ['a=1;p=2', 'b=%20']
  assert.deepEqual(propagated({ baggage, traceparent: 'broken' }).sent['baggage'], baggage)
})
