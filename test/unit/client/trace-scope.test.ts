// What a service hands on: every format as it came, and where spans are kept the call's own span as its parent.
import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { callHeaders, scopeOf } from '../../../operator/client/trace-scope.ts'
import { extract } from '../../../plugins/propagation/extract.ts'
import { isTraceHeader } from '../../../plugins/propagation/header-names.ts'
import { createRandomSource } from '../../../plugins/propagation/ids.ts'
import { outgoing } from '../../../plugins/propagation/outgoing.ts'
import {
  FORMATS,
  type Format,
  PROPAGATION_DEFAULTS,
} from '../../../plugins/propagation/propagation-config.ts'

const random = createRandomSource()
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const DECIMAL_TRACE = BigInt(`0x${TRACE.slice(16)}`).toString()
const DECIMAL_SPAN = BigInt(`0x${SPAN}`).toString()

/** One request in each format, with everything that belongs to it. */
const CAME: Readonly<Record<Format, Record<string, string>>> = {
  w3c: { traceparent: `00-${TRACE}-${SPAN}-01`, tracestate: 'a=1,b=2', baggage: 'user=ada' },
  b3: { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-sampled': '1' },
  'b3-single': { b3: `${TRACE}-${SPAN}-1` },
  jaeger: { 'uber-trace-id': `${TRACE}:${SPAN}:0:1`, 'uberctx-user': 'ada' },
  ot: {
    'ot-tracer-traceid': TRACE.slice(16),
    'ot-tracer-spanid': SPAN,
    'ot-tracer-sampled': '1',
    'ot-baggage-user': 'ada',
  },
  datadog: {
    'x-datadog-trace-id': DECIMAL_TRACE,
    'x-datadog-parent-id': DECIMAL_SPAN,
    'x-datadog-sampling-priority': '1',
  },
  aws: { 'x-amzn-trace-id': `Root=1-${TRACE.slice(0, 8)}-${TRACE.slice(8)};Parent=${SPAN};Sampled=1` },
  gcp: { 'x-cloud-trace-context': `${TRACE}/${DECIMAL_SPAN};o=1` },
  mesh: {
    'x-trace-id': TRACE,
    'x-span-id': SPAN,
    'x-trace-flags': '1',
    'x-trace-baggage': '{"user":"ada"}',
  },
}
const scope = (headers: Record<string, string | string[] | undefined>, rate = 1) =>
  scopeOf(headers, ['x-request-id'], rate, random)

for (const format of FORMATS) {
  test(`${format} goes on as it came where no spans are kept`, () => {
    const { headers, span } = callHeaders(
      scope({ ...CAME[format], 'x-request-id': 'r1', cookie: 'c' }),
      false,
      random,
    )
    deepEqual(headers, { ...CAME[format], 'x-request-id': 'r1' })
    equal(span, null)
  })

  test(`${format} names the call's own span where spans are kept, a child of the work's`, () => {
    const work = scope(CAME[format])
    const { headers, span } = callHeaders(work, true, random)
    const read = extract(headers, { extract: [format] })!
    equal(read.traceId, work.span.traceId)
    equal(read.sampled, true)
    if (format !== 'aws' || read.parentSpanId !== null) equal(read.parentSpanId, span!.spanId)
    equal(span!.parentSpanId, work.span.spanId)
    equal(work.span.parentSpanId, SPAN)
    notEqual(span!.spanId, work.span.spanId)
    deepEqual(read.baggage, extract(CAME[format], { extract: [format] })!.baggage)
  })
}

test('headers that came more than once are handed on so', () => {
  const came = { ...CAME.w3c, tracestate: ['a=1', 'b=2'], baggage: ['x=1', 'y=2'] }
  deepEqual(callHeaders(scope(came), false, random).headers, came)
})

test('without a trace in what came a trace begins, for all calls the same', () => {
  const work = scope({ cookie: 'c' })
  const calls = [callHeaders(work, true, random), callHeaders(work, true, random)]
  for (const { headers, span } of calls) {
    deepEqual(Object.keys(headers), ['traceparent'])
    deepEqual([span!.traceId, span!.parentSpanId], [work.span.traceId, work.span.spanId])
  }
  notEqual(calls[0]!.headers['traceparent'], calls[1]!.headers['traceparent'])
  ok(String(callHeaders(work, false, random).headers['traceparent']).includes(work.span.traceId))
})

test('a caller that decided against recording is followed, and the sampling rate decides on new traces alone', () => {
  const unsampled = scope({ traceparent: `00-${TRACE}-${SPAN}-00` })
  equal(unsampled.span.sampled, false)
  ok(String(callHeaders(unsampled, true, random).headers['traceparent']).endsWith('-00'))
  equal(scope({}, 0).span.sampled, false)
  equal(scope(CAME.w3c, 0).span.sampled, true)
})

test('baggage without a trace goes on beside the trace that begins', () => {
  const { headers } = callHeaders(scope({ baggage: 'user=ada' }), false, random)
  equal(headers['baggage'], 'user=ada')
  ok(typeof headers['traceparent'] === 'string')
})

test('a trace that begins where only a decision came has its whole id', () => {
  const work = scope({ 'x-datadog-sampling-priority': '1' })
  const { headers } = callHeaders(work, false, random)
  ok(String(headers['traceparent']).includes(work.span.traceId))
  match(String(headers['traceparent']), /-0[13]$/)
})

test('a traceparent of another trace beside the format that won is left as it came', () => {
  const came = { ...CAME.b3, traceparent: `00-${'1'.repeat(32)}-${SPAN}-01` }
  const { headers } = callHeaders(scope({ traceparent: 'broken', ...CAME.b3 }), true, random)
  ok(String(headers['x-b3-traceid']) === TRACE)
  deepEqual(callHeaders(scope(came), false, random).headers, came)
})

test('whatever a format writes is handed on', () => {
  for (const inject of FORMATS) {
    const config = { ...PROPAGATION_DEFAULTS, inject: [inject] }
    const came = { ...CAME.jaeger, 'x-b3-flags': '1' }
    const { headers } = outgoing(came, extract(CAME.jaeger, config), config, random)
    for (const name of Object.keys(headers.set)) ok(isTraceHeader(name), `${inject}: ${name}`)
  }
})

test('whatever came, the headers of a call are texts, and hold one readable trace', () => {
  const name = fc.oneof(
    fc.constantFrom(...Object.values(CAME).flatMap(Object.keys)),
    fc.stringMatching(/^[a-z-]{1,12}$/),
  )
  const value = fc.oneof(
    fc.constantFrom(...Object.values(CAME).flatMap(Object.values)),
    fc.string({ maxLength: 60 }),
  )
  const headers = fc.dictionary(name, fc.oneof(value, fc.array(value, { maxLength: 3 })))
  fc.assert(
    fc.property(headers, fc.boolean(), (came, isRecorded) => {
      const work = scope(came)
      const { headers: sent } = callHeaders(work, isRecorded, random)
      const read = extract(sent, { extract: FORMATS })
      equal(read?.traceId, work.span.traceId)
      for (const each of Object.values(sent).flat()) equal(typeof each, 'string')
    }),
  )
})
