import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_TRIES } from '../../../plugins/outcomes/tries.ts'
import { trySpanId } from '../../../plugins/spans/span-id.ts'

const spanId = fc.stringMatching(/^[0-9a-f]{16}$/).filter((id) => !/^0+$/.test(id))

test('ids of the tries of a request differ from each other and from its own', () => {
  fc.assert(
    fc.property(spanId, (id) => {
      const ids = Array.from({ length: MAX_TRIES }, (_, i) => trySpanId(id, i))
      return new Set([id, ...ids]).size === MAX_TRIES + 1
    }),
  )
})

test('an id is 16 lower-case hex digits and never zero', () => {
  // The two's complement of the step: adding it gives zero.
  const toZero = (2n ** 64n - 0x9e3779b97f4a7c15n).toString(16).padStart(16, '0')
  fc.assert(
    fc.property(fc.oneof(spanId, fc.constant(toZero)), fc.nat(MAX_TRIES - 1), (id, i) => {
      const made = trySpanId(id, i)
      return /^[0-9a-f]{16}$/.test(made) && !/^0+$/.test(made)
    }),
  )
  assert.equal(trySpanId(toZero, 0), '8000000000000000')
})

test('the sum carries from the low half into the high one', () => {
  fc.assert(
    fc.property(spanId, fc.nat(MAX_TRIES - 1), (id, i) => {
      const sum = (BigInt(`0x${id}`) + BigInt(i + 1) * 0x9e3779b97f4a7c15n) % 2n ** 64n
      return sum === 0n || trySpanId(id, i) === sum.toString(16).padStart(16, '0')
    }),
  )
})
