import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createMeshHeaderCodec } from '../../../plugins/outcomes/mesh-headers.ts'

const codec = createMeshHeaderCodec('a-token-of-ours')
const HEADERS = { serviceId: 'service', routeId: 'route', parentSpanId: '00f067aa0ba902b7' }

test('what is written is read, by another process with the same token', () => {
  const other = createMeshHeaderCodec('a-token-of-ours')
  for (const headers of [HEADERS, { ...HEADERS, routeId: null }, { ...HEADERS, parentSpanId: null }]) {
    const written = codec.write(headers)
    assert.deepEqual(other.read(written['X-Mesh-Route'], written['X-Mesh-Span']), headers)
  }
})

test('a span that no traceparent names is told beside the caller', () => {
  const trace = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    parentId: 'b7ad6b7169203331',
    sampled: true,
    isRandom: false,
  }
  const { 'X-Mesh-Route': route, 'X-Mesh-Span': span } = codec.write({ ...HEADERS, trace })
  assert.match(
    span,
    /^00f067aa0ba902b7-00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-[0-9a-f]{16}$/,
  )
  assert.deepEqual(codec.read(route, span), { ...HEADERS, trace })
  assert.equal(codec.read(route, span.replace('-b7', '-0z')), null)
  assert.equal(codec.read('other/route', span), null)
})

test('the writer for a route writes what is written for each request', () => {
  const write = codec.writerFor(HEADERS)
  for (const parentSpanId of [HEADERS.parentSpanId, '1111111111111111', null]) {
    assert.deepEqual(write(parentSpanId), codec.write({ ...HEADERS, parentSpanId }))
  }
})

test('the route header is service and route, nothing else', () => {
  assert.equal(codec.write(HEADERS)['X-Mesh-Route'], 'service/route')
  assert.equal(codec.write({ ...HEADERS, routeId: null })['X-Mesh-Route'], 'service/')
})

test('a seal of another token, or of another route, is none', () => {
  const ours = codec.write(HEADERS)
  const theirs = createMeshHeaderCodec('another-token').write(HEADERS)
  assert.equal(codec.read(theirs['X-Mesh-Route'], theirs['X-Mesh-Span']), null)
  assert.equal(codec.read('service/other', ours['X-Mesh-Span']), null)
  assert.equal(codec.read('other/route', ours['X-Mesh-Span']), null)
})

test('headers that came twice are none', () => {
  const { 'X-Mesh-Route': route, 'X-Mesh-Span': span } = codec.write(HEADERS)
  assert.equal(codec.read(`${route}, ${route}`, span), null)
  assert.equal(codec.read(route, `${span}, ${span}`), null)
})

test('nothing that a client can guess is read', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.string(),
      fc.stringMatching(/^[0-9a-f]{16}-[0-9a-f]{16}$/),
      (route, text, span) => {
        return codec.read(route, text) === null && codec.read(`service/${route}`, span) === null
      },
    ),
  )
})
