import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import {
  formatLockValue,
  isSameOperator,
  type LockValue,
  parseLockValue,
  predecessorsIn,
} from '../../../operator/leader/lock-value.ts'

const holder = { id: 'a', address: '10.0.0.1:8080', host: 'one', graceMs: 4300 }
const value: LockValue = { ...holder, since: '2026-01-01T00:00:00.000Z', after: [], released: false }
const self = { id: 'z', address: '10.0.0.9:8080', host: 'nine', graceMs: 4300 }

test('a value reads back as it was written', () => {
  const full = { ...value, after: [{ ...holder, id: 'b' }], released: true }
  deepEqual(parseLockValue(formatLockValue(full), 1), full)
})

test('an empty key has no holder', () => {
  equal(parseLockValue('', 4300), null)
})

const strange: [what: string, text: string][] = [
  ['no JSON', 'hello'],
  ['JSON of another shape', '[1]'],
  ['an object without id', '{"address":"10.0.0.1:80"}'],
]
for (const [what, text] of strange) {
  test(`${what} is a holder of whom nothing is known`, () => {
    const read = parseLockValue(text, 4300)
    deepEqual([read?.address, read?.graceMs, read?.released], [null, 4300, false])
    equal(predecessorsIn(read, self).length, 1)
  })
}

test('a value without grace, as a person may write it, gets the longest one', () => {
  equal(parseLockValue('{"id":"a"}', 4300)?.graceMs, 4300)
})

test('an address that is none is not asked', () => {
  equal(parseLockValue('{"id":"a","address":"http://["}', 4300)?.address, null)
})

test('a holder that gave the lock back is not waited for', () => {
  deepEqual(predecessorsIn({ ...value, released: true }, self), [])
})

test('a holder that vanished during its own takeover leaves those it waited for to its successor', () => {
  const earlier = { ...holder, id: 'b' }
  deepEqual(predecessorsIn({ ...value, after: [earlier] }, self), [holder, earlier])
  deepEqual(predecessorsIn({ ...value, after: [earlier], released: true }, self), [earlier])
})

test('an earlier process of the same operator is not waited for', () => {
  deepEqual(predecessorsIn({ ...value, id: 'z' }, self), [])
  deepEqual(predecessorsIn({ ...value, address: self.address }, self), [])
})

test('a loopback address on another machine neither is ours nor can be asked', () => {
  const local = { ...value, address: '127.0.0.1:8080' }
  const me = { ...self, address: '127.0.0.1:8080' }
  equal(isSameOperator(local, me), false)
  equal(isSameOperator({ ...local, host: me.host }, me), true)
  deepEqual(
    predecessorsIn(local, me).map(({ address }) => address),
    [null],
  )
})
