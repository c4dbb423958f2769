import { deepEqual, equal, throws } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { Binary, type Packable, pack } from '../../../kong/gateway/plugin-server/message-pack.ts'
import {
  MalformedMessage,
  type Unpacked,
  unpack,
} from '../../../kong/gateway/plugin-server/message-unpack.ts'

const hex = (value: Packable): string => pack(value).toString('hex')

const forms: readonly [string, Packable, string][] = [
  ['nil', null, 'c0'],
  ['a small integer', 5, '05'],
  ['200 as uint 8', 200, 'ccc8'],
  ['503 as uint 16', 503, 'cd01f7'],
  ['70000 as uint 32', 70_000, 'ce00011170'],
  ['milliseconds since 1970 as uint 64', 1_795_485_438_408, 'cf000001a20b4591c8'],
  ['-1', -1, 'ff'],
  ['-100 as int 8', -100, 'd09c'],
  ['-300 as int 16', -300, 'd1fed4'],
  ['-70000 as int 32', -70_000, 'd2fffeee90'],
  ['1.5 as double', 1.5, 'cb3ff8000000000000'],
  ['text of 31 bytes with a short length', 'a'.repeat(31), `bf${'61'.repeat(31)}`],
  ['text of 32 bytes with a length of two bytes, never one', 'a'.repeat(32), `da0020${'61'.repeat(32)}`],
  ['binary', new Binary('ab'), 'c4026162'],
  ['an empty list', [], '90'],
  ['an empty map', {}, '80'],
  ['a map without its undefined fields', { a: undefined, b: true }, '81a162c3'],
  ['sixteen items with a length of two bytes', new Array(16).fill(1), `dc0010${'01'.repeat(16)}`],
]
for (const [what, value, expected] of forms) {
  test(`packs ${what} as Kong does`, () => equal(hex(value), expected))
}

for (const file of ['rpc-recorded', 'rpc-raw']) {
  test(`what Kong wrote in ${file}.jsonl has the same length when it is packed again`, () => {
    const sent = readFileSync(new URL(`../../fixtures/golden/${file}.jsonl`, import.meta.url), 'utf8')
      .split('\n')
      .filter((line) => line.includes('kong->js'))
      .map((line) => Buffer.from(JSON.parse(line).hex, 'hex'))
    equal(sent.length > 50, true)
    for (const bytes of sent) {
      const read = unpack(bytes)
      equal(read?.used, bytes.length)
      equal(pack(read?.value as Packable).length, bytes.length)
      deepEqual(unpack(pack(read?.value as Packable))?.value, read?.value)
    }
  })
}

const bytes = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) })
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    bytes,
    fc.array(tie('any'), { maxLength: 20 }),
    fc.dictionary(bytes, tie('any'), { maxKeys: 20, noNullPrototype: false }),
  ),
})).any as fc.Arbitrary<Packable>

test('what was packed is read again, however it is cut', () => {
  fc.assert(
    fc.property(value, fc.nat(), (packed, cut) => {
      const data = pack(packed)
      const at = cut % data.length
      equal(unpack(data.subarray(0, at)), undefined)
      const read = unpack(Buffer.concat([data, Buffer.from('rest')]))
      equal(read?.used, data.length)
      deepEqual(plain(read?.value), plain(packed as Unpacked))
    }),
  )
})

/** Without prototypes, so that maps compare by their content. */
const plain = (read: Unpacked | undefined): unknown => JSON.parse(JSON.stringify(read ?? null))

test('garbage is said to be malformed, and never read for long', () => {
  throws(() => unpack(Buffer.from('c1', 'hex')), MalformedMessage)
  throws(() => unpack(Buffer.alloc(10_000, 0x91)), MalformedMessage)
  equal(unpack(Buffer.from('dfffffffff', 'hex')), undefined)
})
