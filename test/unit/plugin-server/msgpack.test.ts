import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode as reference, decode as referenceDecode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { Decoder, INCOMPLETE } from '../../../plugins/server/msgpack/decoder.ts'
import { encode } from '../../../plugins/server/msgpack/encode.ts'
import { ProtocolError } from '../../../plugins/server/msgpack/protocol-error.ts'
import { FrameReader } from '../../../plugins/server/rpc/frame-reader.ts'

const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
    fc.integer({ min: -300, max: 70_000 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(fc.string({ maxLength: 40 }), tie('value'), { maxKeys: 20 }),
  ),
})).value

const clean = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

test('values are encoded as @msgpack/msgpack 2 does', () => {
  fc.assert(fc.property(value, (any) => assert.equal(clean(encode(any)), clean(reference(any)))))
})

test('what was encoded is read back', () => {
  fc.assert(
    fc.property(value, (any) => {
      const read = new Decoder().decode(encode(any), 0)
      assert.deepEqual(JSON.parse(JSON.stringify(read)), JSON.parse(JSON.stringify(any)))
    }),
  )
})

test('maps of few keys are read as any others are, in the order in which the keys came', () => {
  const name = fc.constantFrom('InstanceId', 'EventName', 'Data', 'EventId', 'other')
  const pairs = fc.array(fc.tuple(name, value), { maxLength: 4 })
  fc.assert(
    fc.property(pairs, (any) => {
      // By hand, because the same key may come twice.
      const bytes = Buffer.concat([Buffer.from([0x80 | any.length]), ...any.flat().map(encode)])
      const read = new Decoder().decode(bytes, 0)
      assert.equal(JSON.stringify(read), JSON.stringify(referenceDecode(bytes)))
    }),
  )
})

test('a header called __proto__ stays data', () => {
  for (const others of [[], ['a'], ['a', 'b']]) {
    const names = [...others, '__proto__']
    const pairs = names.map((name) => Buffer.concat([encode(name), encode(['x'])]))
    const bytes = Buffer.concat([Buffer.from([0x80 | names.length]), ...pairs])
    const read = new Decoder().decode(bytes, 0) as Record<string, unknown>
    assert.deepEqual(
      Object.entries(read),
      names.map((name) => [name, ['x']]),
    )
    assert.equal(Object.getPrototypeOf(read), Object.prototype)
  }
})

test('a text that is remembered is the one that came, whatever shares its slot', () => {
  const decoder = new Decoder()
  // Of few bytes, so that many are nearly alike; some are no UTF-8.
  const bytes = fc.uint8Array({ maxLength: 31 }).map((any) => Buffer.from(any.map((byte) => byte & 0x83)))
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 50 }), (texts) => {
      const lists = texts.map((text) => Buffer.concat([Buffer.from([0x91, 0xa0 | text.length]), text]))
      // As deep as the values of headers are: [[[[TEXT], ...]]]
      const outer = Buffer.from([0x91, 0x91, 0xdc, 0, lists.length])
      const read = decoder.decode(Buffer.concat([outer, ...lists]), 0)
      assert.deepEqual(read, [[texts.map((text) => [text.toString()])]])
    }),
  )
})

test('messages are the same however the bytes are cut', () => {
  const message = fc.tuple(fc.constant(0), fc.nat(), fc.string(), fc.array(value, { maxLength: 3 }))
  fc.assert(
    fc.property(
      fc.array(message, { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat(400), { maxLength: 8 }),
      (messages, cuts) => {
        const bytes = Buffer.concat(messages.map(encode))
        const reader = new FrameReader(1e6)
        const read: unknown[] = []
        const edges = [...new Set([0, ...cuts.filter((cut) => cut < bytes.length), bytes.length])].sort(
          (a, b) => a - b,
        )
        for (let i = 1; i < edges.length; i++) {
          reader.read(bytes.subarray(edges[i - 1], edges[i]), (one) => read.push(one) > 0)
        }
        assert.deepEqual(read.map(encode).map(clean), messages.map(encode).map(clean))
        assert.equal(reader.pendingBytes, 0)
      },
    ),
  )
})

test('a message that comes byte by byte is read once', () => {
  const bytes = encode([0, 1, 'plugin.Step', [{ EventId: 1, Data: 'x'.repeat(5_000) }]])
  const reader = new FrameReader(1e6)
  const read: unknown[] = []
  for (const byte of bytes) reader.read(Buffer.from([byte]), (one) => read.push(one) > 0)
  assert.equal(read.length, 1)
})

test('garbage is refused as such and never throws anything else', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), (chunks) => {
      const reader = new FrameReader(1_000)
      try {
        for (const chunk of chunks) reader.read(Buffer.from(chunk), () => true)
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error))
      }
      assert.ok(reader.pendingBytes <= 1_000)
    }),
    { numRuns: 2_000 },
  )
})

const HUGE: [what: string, bytes: number[]][] = [
  ['a text of 4 GiB', [0x94, 0x00, 0x01, 0xdb, 0xff, 0xff, 0xff, 0xff]],
  ['a list of 4 Gi values', [0xdd, 0xff, 0xff, 0xff, 0xff]],
  ['a map of 4 Gi pairs', [0x94, 0x00, 0x01, 0xdf, 0xff, 0xff, 0xff, 0xff]],
  ['4 GiB of binary', [0x94, 0x00, 0xc6, 0xff, 0xff, 0xff, 0xff]],
]
for (const [what, bytes] of HUGE) {
  test(`${what} is refused when it is announced`, () => {
    const read = () => new FrameReader(8_000_000).read(Buffer.from(bytes), () => true)
    assert.throws(read, (error: ProtocolError) => error.code === 'TOO_LARGE')
  })
}

test('a message larger than allowed is refused although no length says so', () => {
  const reader = new FrameReader(1_000)
  reader.read(Buffer.from([0x9f]), () => true)
  const endless = Buffer.alloc(300, 0x91)
  assert.throws(
    () => {
      for (let i = 0; i < 10; i++) reader.read(endless, () => true)
    },
    (error: ProtocolError) => error.code === 'TOO_LARGE',
  )
})

test('values nested without end are refused', () => {
  const bytes = Buffer.concat([Buffer.alloc(5_000, 0x91), Buffer.from([0xc0])])
  const read = () => new FrameReader(8_000_000).read(bytes, () => true)
  assert.throws(read, (error: ProtocolError) => error.code === 'TOO_DEEP')
})

test('a value that is not whole asks for more', () => {
  const bytes = encode({ a: [1, 'two', 3.5, null] })
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(
      () => new Decoder().decode(bytes.subarray(0, length), 0),
      (error) => error === INCOMPLETE,
    )
  }
})

test('functions and endless values cannot be sent', () => {
  const loop: unknown[] = []
  loop.push(loop)
  assert.throws(() => encode({ f: () => {} }), TypeError)
  assert.throws(() => encode(loop), TypeError)
})
