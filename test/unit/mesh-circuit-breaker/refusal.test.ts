import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { type RefusalFacts, refusalOf } from '../../../plugins/mesh-circuit-breaker/refusal.ts'
import { createMeshHeaderCodec } from '../../../plugins/outcomes/mesh-headers.ts'

const BUILT_IN = { status: null, body: null, headers: {} }
const facts = (over: Partial<RefusalFacts> = {}): RefusalFacts => ({
  service: 'web',
  state: 'open',
  retryAfterSeconds: 7,
  headers: {},
  ...over,
})

test('a refusal is 503, says how long to wait, and is never stored', () => {
  const { status, headers, body } = refusalOf(BUILT_IN, facts())
  equal(status, 503)
  deepEqual(headers, {
    'Content-Type': 'application/json; charset=utf-8',
    'Retry-After': '7',
    'Cache-Control': 'no-store',
  })
  const { message, ...rest } = JSON.parse(body)
  deepEqual(rest, { code: 'CIRCUIT_OPEN', service: 'web', state: 'open', retry_after: 7, trace_id: null })
  match(message, /^web gets no requests: .*Try again in 7 s\.$/)
})

test('the trace is named as the traceparent of the request has it', () => {
  const id = '0af7651916cd43dd8448eb211c80319c'
  const traceIdWith = (traceparent: string | string[]) =>
    JSON.parse(refusalOf(BUILT_IN, facts({ headers: { traceparent } })).body).trace_id
  equal(traceIdWith(`00-${id}-b7ad6b7169203331-01`), id)
  equal(traceIdWith([`00-${id}-b7ad6b7169203331-01`]), id)
  equal(traceIdWith('garbage'), null)
})

test('where mesh-tracing tells of its span beside it, as for B3, the trace is that one', () => {
  const id = '0af7651916cd43dd8448eb211c80319c'
  const span = { traceId: id, parentId: 'b7ad6b7169203331', sampled: true, isRandom: false }
  const told = { serviceId: 's', routeId: null, parentSpanId: null, trace: span }
  const ours = createMeshHeaderCodec('token').write(told)
  const other = `00-${id.replaceAll('0', 'f')}-b7ad6b7169203331-01`
  for (const traceparent of [undefined, other]) {
    const headers = { 'x-mesh-span': [ours['X-Mesh-Span']], ...(traceparent && { traceparent }) }
    equal(JSON.parse(refusalOf(BUILT_IN, facts({ headers })).body).trace_id, id)
  }
  const short = { 'x-mesh-span': `0000000000000000-${'1'.repeat(16)}`, traceparent: other }
  equal(JSON.parse(refusalOf(BUILT_IN, facts({ headers: short })).body).trace_id, other.slice(3, 35))
})

test('a gRPC client gets 200, UNAVAILABLE and no body, whatever status is set', () => {
  const headers = { 'content-type': 'application/grpc+proto' }
  const answer = refusalOf({ ...BUILT_IN, status: 429, body: 'x' }, facts({ service: 'wéb', headers }))
  deepEqual([answer.status, answer.body, answer.headers['grpc-status']], [200, '', '14'])
  match(String(answer.headers['grpc-message']), /^w%C3%A9b gets no requests/)
  equal(answer.headers['Retry-After'], '7')
})

test('a gRPC-Web client gets its own type of content: it takes no other', () => {
  const typeFor = (asked: string) =>
    refusalOf(BUILT_IN, facts({ headers: { 'content-type': asked } })).headers['Content-Type']
  equal(typeFor('application/grpc'), 'application/grpc')
  equal(typeFor('application/grpc+proto'), 'application/grpc')
  equal(typeFor('application/grpc-web'), 'application/grpc-web')
  equal(typeFor('application/grpc-web+proto'), 'application/grpc-web+proto')
  equal(typeFor('application/grpc-web-text; charset=utf-8'), 'application/grpc-web-text')
})

test('status, body and headers are as people set them', () => {
  const answer = refusalOf({ status: 429, body: 'later', headers: { 'X-Why': 'circuit' } }, facts())
  deepEqual([answer.status, answer.body, answer.headers['X-Why']], [429, 'later', 'circuit'])
})

test('each state says why', () => {
  const why = (state: string) => JSON.parse(refusalOf(BUILT_IN, facts({ state })).body).message
  match(why('half_open'), /trials decide/)
  match(why('forced_open'), /by hand/)
  match(why('ejected'), /every instance/)
})
