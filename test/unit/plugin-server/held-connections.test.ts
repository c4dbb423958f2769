import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { HeldConnections } from '../../../plugins/server/process/held-connections.ts'
import { FakeSocket } from '../../support/fake-socket.ts'

function heldAt(times: readonly number[]): HeldConnections {
  const held = new HeldConnections()
  for (const since of times) held.hold(new FakeSocket().asSocket, 'toy', since)
  return held
}
const numbers = (some: readonly { readonly number: number }[]) => some.map(({ number }) => number)

test('few are on their way at once, the oldest first; one that was taken lets the next go', () => {
  const held = heldAt(Array.from({ length: 10 }, (_, i) => i))
  deepEqual(numbers(held.toSend()), [0, 1, 2, 3, 4, 5, 6, 7])
  deepEqual(numbers(held.toSend()), [])
  held.taken(3)
  deepEqual(numbers(held.toSend()), [8])
})

test('what waited for too long goes to somebody else, unless it is on its way', () => {
  const held = heldAt(Array.from({ length: 12 }, (_, i) => i))
  held.toSend()
  deepEqual(numbers(held.releaseOlder(9)), [8, 9])
  equal(held.size, 10)
})

test('all are sent again when the worker they were sent to is gone', () => {
  const held = heldAt([1, 2])
  held.toSend()
  held.sendAgain()
  deepEqual(numbers(held.toSend()), [0, 1])
})
