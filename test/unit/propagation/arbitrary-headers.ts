import fc from 'fast-check'
import { FORMATS, type PropagationConfig } from '../../../plugins/propagation/propagation-config.ts'
import type { RequestHeaders } from '../../../plugins/propagation/request-headers.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'

/** One good value for every header that is read. */
const GOOD: Readonly<Record<string, string>> = {
  traceparent: `00-${TRACE}-${SPAN}-01`,
  tracestate: 'foo=1,bar@x= 2',
  baggage: 'a=1;p,b=2',
  b3: `${TRACE}-${SPAN}-1-${SPAN}`,
  'x-b3-traceid': TRACE,
  'x-b3-spanid': SPAN,
  'x-b3-parentspanid': SPAN,
  'x-b3-sampled': '1',
  'x-b3-flags': '1',
  'uber-trace-id': `${TRACE}:${SPAN}:0:1`,
  'uberctx-user': 'a%20b',
  'ot-tracer-traceid': TRACE.slice(16),
  'ot-tracer-spanid': SPAN,
  'ot-tracer-sampled': 'true',
  'ot-baggage-user': 'a b',
  'x-datadog-trace-id': '9532127138774266268',
  'x-datadog-parent-id': '13235353014750950193',
  'x-datadog-sampling-priority': '-1',
  'x-amzn-trace-id': `Root=1-${TRACE.slice(0, 8)}-${TRACE.slice(8)};Parent=${SPAN};Sampled=1`,
  'x-cloud-trace-context': `${TRACE}/7;o=1`,
  'x-trace-id': TRACE,
  'x-span-id': SPAN,
  'x-parent-span-id': SPAN,
  'x-trace-flags': '0',
  'x-trace-baggage': '{"user":"a"}',
}

const text = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF-:;=/,%{}" \t\r\n'), maxLength: 80 }),
  fc.constantFrom(...Object.values(GOOD)),
)

/** A good value with a part of it taken out and something else put there. */
const damaged = (good: string) =>
  fc
    .tuple(fc.nat(good.length), fc.nat(4), text)
    .map(([at, cut, put]) => good.slice(0, at) + put.slice(0, 6) + good.slice(at + cut))

const anyValue = (name: string) => {
  const good = Object.hasOwn(GOOD, name) ? GOOD[name]! : ''
  const one = fc.oneof(fc.constant(good), damaged(good), text)
  return fc.oneof({ weight: 5, arbitrary: one }, { weight: 1, arbitrary: fc.array(one, { maxLength: 3 }) })
}

const entry = fc
  .oneof(
    fc.constantFrom(...Object.keys(GOOD)),
    fc.string({ maxLength: 8 }).map((suffix) => `uberctx-${suffix.toLowerCase()}`),
    fc.constantFrom('__proto__', 'constructor', 'x-other'),
  )
  .chain((name) => fc.tuple(fc.constant(name), anyValue(name)))

/** Headers as the PDK gives them, with good, damaged and senseless values. */
export const anyHeaders: fc.Arbitrary<RequestHeaders> = fc
  .array(entry, { maxLength: 12 })
  .map((entries) => Object.fromEntries(entries))

const format = fc.constantFrom(...FORMATS)

export const anyConfig: fc.Arbitrary<PropagationConfig> = fc.record({
  extract: fc.oneof(fc.constant(FORMATS), fc.array(format, { maxLength: 4 })),
  inject: fc.array(fc.oneof(fc.constant('preserve' as const), format), { maxLength: 3 }),
  clear: fc.array(fc.constantFrom(...Object.keys(GOOD), 'X-B3-TraceId', 'constructor', ''), { maxLength: 3 }),
  defaultFormat: format,
  samplingRate: fc.double({ min: 0, max: 1, noNaN: true }),
})
