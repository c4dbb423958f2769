import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { linePrefix } from '../../../plugins/outcomes/log-format.ts'
import { createMeshHeaderCodec } from '../../../plugins/outcomes/mesh-headers.ts'
import type { Outcome } from '../../../plugins/outcomes/outcome.ts'
import { createLineParser, LINE_FAULTS } from '../../../plugins/outcomes/parse-line.ts'
import { fuzzCases } from '../../support/fuzz-cases.ts'
import { RECORDED, RECORDED_TOKEN } from '../../support/outcomes.ts'

const parse = createLineParser(RECORDED_TOKEN)
const ANSWERED = RECORDED['answered']!.line

/** A line with other values, as nginx would write it. */
function line(values: Readonly<Record<string, unknown>>): Buffer {
  const known = JSON.parse(ANSWERED.slice(ANSWERED.indexOf('{'))) as Record<string, unknown>
  return Buffer.from(`<190>Nov 23 17:22:43 mesh: ${JSON.stringify({ ...known, ...values })}`)
}

function outcome(values: Readonly<Record<string, unknown>>): Outcome {
  const read = parse(line(values))
  assert.ok(typeof read !== 'string', String(read))
  return read
}

test('a line with another token is told apart', () => {
  assert.equal(createLineParser('another-token')(Buffer.from(ANSWERED)), 'token')
  assert.equal(parse(Buffer.from('<190>Nov 23 17:22:43 mesh: {"t":"1.0","k":"0123456789abcdef"}')), 'token')
})

test('a token that a client writes into its headers is no token', () => {
  const forged = `x"},{"k":"${RECORDED_TOKEN}","t":"1.000"}`
  const text = `<190>x: {"k":"other-token","ua":${JSON.stringify(forged)}}`
  assert.equal(parse(Buffer.from(text)), 'token')
  assert.equal(outcome({ ua: forged }).userAgent, forged)
})

test('a line that was cut off is truncated, wherever', () => {
  const whole = Buffer.from(ANSWERED)
  const afterPrefix = ANSWERED.indexOf(linePrefix(RECORDED_TOKEN)) + linePrefix(RECORDED_TOKEN).length
  for (let length = afterPrefix + 1; length < whole.length; length++) {
    assert.equal(parse(whole.subarray(0, length)), 'truncated', `${length}`)
  }
})

test('what is no JSON, and what has no times, is malformed', () => {
  assert.equal(parse(Buffer.from('')), 'malformed')
  assert.equal(parse(Buffer.from('hello')), 'malformed')
  assert.equal(parse(Buffer.from(`${linePrefix(RECORDED_TOKEN)}oops}`)), 'malformed')
  for (const field of ['t', 'd', 's']) {
    for (const value of ['', '-', 'x', '-1', 7, null]) {
      assert.equal(parse(line({ [field]: value })), 'malformed', `${field} ${String(value)}`)
    }
  }
})

test('a line end after the line does no harm', () => {
  assert.equal(typeof parse(Buffer.from(`${ANSWERED}\r\n\0`)), 'object')
})

test('fields that an older format does not have are empty', () => {
  const read = parse(Buffer.from(`${linePrefix(RECORDED_TOKEN)}"t":"5.000","d":"0.010","s":"204"}`))
  assert.ok(typeof read !== 'string')
  assert.deepEqual([read.status, read.startedAtMs, read.tries, read.method], [204, 4_990, [], ''])
})

test('texts of clients are bounded', () => {
  const { path, userAgent } = outcome({ q: `GET /${'a'.repeat(9_000)} HTTP/1.1`, ua: 'u'.repeat(9_000) })
  assert.deepEqual([path.length, userAgent!.length], [1_024, 256])
})

test('bytes that are no UTF-8 do no harm', () => {
  const whole = line({ ua: 'x' })
  whole[whole.indexOf('"ua":"x"') + 6] = 0xe4
  assert.equal((parse(whole) as Outcome).userAgent, '\ufffd')
})

test('without the time until the last try, the tries are taken to end with the request', () => {
  const { tries } = outcome({
    d: '0.100',
    l: '',
    a: '10.0.0.1:80, 10.0.0.2:80',
    us: '502, 200',
    uc: '-, 0.001',
    uh: '-, 0.010',
    ut: '0.020, 0.030',
  })
  assert.deepEqual(
    tries.map(({ startedAfterMs }) => startedAfterMs),
    [50, 70],
  )
})

test('tries after an internal redirect are tries like others', () => {
  const { tries } = outcome({
    a: '10.0.0.1:80, 10.0.0.2:80 : unix:/run/web.sock',
    us: '502, 504 : 200',
    uc: '-, 0.001 : 0.000',
    uh: '-, - : 0.010',
    ut: '0.001, 0.300 : 0.030',
  })
  assert.deepEqual(
    tries.map(({ instance, status }) => [instance, status]),
    [
      ['10.0.0.1:80', 'connect_error'],
      ['10.0.0.2:80', 'timeout'],
      ['unix:/run/web.sock', 200],
    ],
  )
})

test('statuses that are not as many as the tries are those of the last ones, and charge no instance', () => {
  for (const us of ['200', '504, 502, 200']) {
    const { tries } = outcome({
      a: '10.0.0.1:80, 10.0.0.2:80',
      us,
      uc: '0, 0',
      uh: '-, 0.01',
      ut: '0.1, 0.1',
    })
    assert.deepEqual([tries.map(({ instance }) => instance), tries[1]!.status], [['', ''], 200])
  }
})

test('of very many tries the last are kept', () => {
  const list = (value: string) => new Array<string>(3_000).fill(value).join(', ')
  const { tries } = outcome({
    a: `${list('10.0.0.1:80')}, 10.0.0.2:80`,
    us: `${list('502')}, 200`,
    uc: `${list('-')}, 0.001`,
    uh: `${list('-')}, 0.002`,
    ut: `${list('0.000')}, 0.003`,
  })
  assert.deepEqual([tries.length, tries[63]!.instance, tries[63]!.status], [64, '10.0.0.2:80', 200])
})

test('an instance that answers 499 itself is not a client that left', () => {
  const { source, tries } = outcome({ s: '499', us: '499' })
  assert.deepEqual([source, tries[0]!.status], ['upstream', 499])
})

test('without the seal the trace is known and the span is not ours', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const forged = outcome({ tp: traceparent, r: 'service/route', x: `${'0'.repeat(16)}-${'0'.repeat(16)}` })
  assert.deepEqual([forged.traceId?.length, forged.spanId, forged.serviceId], [32, null, null])
  const sealed = createMeshHeaderCodec(RECORDED_TOKEN).write({
    serviceId: 'service',
    routeId: null,
    parentSpanId: null,
  })
  const ours = outcome({ tp: traceparent, r: sealed['X-Mesh-Route'], x: sealed['X-Mesh-Span'] })
  assert.deepEqual(
    [ours.spanId, ours.serviceId, ours.routeId, ours.parentSpanId],
    ['b7ad6b7169203331', 'service', null, null],
  )
})

test('a span that mesh-tracing tells of itself counts, whatever traceparent went on', () => {
  const trace = {
    traceId: 'dc9d1b0ccedf0ecaf4f26ffab84d4f5e',
    parentId: '1b0ccedf0ecaf4f2',
    sampled: true,
    isRandom: false,
  }
  const headers = { serviceId: 'service', routeId: null, parentSpanId: null, trace }
  const sealed = createMeshHeaderCodec(RECORDED_TOKEN).write(headers)
  for (const tp of ['', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00']) {
    const { traceId, spanId, sampled } = outcome({ tp, r: sealed['X-Mesh-Route'], x: sealed['X-Mesh-Span'] })
    assert.deepEqual([traceId, spanId, sampled], [trace.traceId, trace.parentId, true])
  }
})

const isOutcomeOrFault = (read: unknown): boolean =>
  typeof read === 'string' ? (LINE_FAULTS as readonly string[]).includes(read) : typeof read === 'object'

test('no datagram makes it throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => isOutcomeOrFault(parse(Buffer.from(bytes)))),
    { numRuns: fuzzCases(7_000) },
  )
})

test('no JSON behind the right token makes it throw', () => {
  const prefix = linePrefix(RECORDED_TOKEN)
  const names = fc.constantFrom(...'t d i q h c s a us uc uh ut l gt gh tp r x ra ua bi bo'.split(' '))
  const values = fc.oneof(fc.jsonValue(), fc.string(), fc.stringMatching(/^[0-9., :-]{0,30}$/))
  fc.assert(
    fc.property(fc.dictionary(names, values), (fields) => {
      const rest = JSON.stringify({ ...fields, t: '1.000', d: '0.001', s: '200' }).slice(1)
      const read = parse(Buffer.from(prefix + rest))
      return typeof read === 'object' && read.status === 200
    }),
    { numRuns: fuzzCases(7_000) },
  )
})

test('a recorded line with any byte changed does not make it throw', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(RECORDED)),
      fc.nat(),
      fc.integer({ min: 0, max: 255 }),
      (recorded, at, byte) => {
        const bytes = Buffer.from(recorded.line)
        bytes[at % bytes.length] = byte
        return isOutcomeOrFault(parse(bytes))
      },
    ),
    { numRuns: fuzzCases(7_000) },
  )
})
