import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BoundedQueue } from '../../../plugins/export/bounded-queue.ts'

function filled(limit: number, count: number): BoundedQueue<number> {
  const queue = new BoundedQueue<number>(limit)
  for (let i = 0; i < count; i++) queue.push(i)
  return queue
}

test('items leave in the order they came, up to the limit', () => {
  const queue = filled(3, 5)
  assert.equal(queue.size, 3)
  assert.equal(queue.push(9), false)
  assert.deepEqual(queue.take(2), [0, 1])
  assert.deepEqual(queue.take(9), [2])
  assert.deepEqual(queue.take(9), [])
})

test('what is put back stands in front, as far as there is room', () => {
  const queue = filled(4, 4)
  const batch = queue.take(3)
  queue.push(7)
  queue.push(8)
  assert.equal(queue.putBack(batch), 2)
  assert.deepEqual(queue.take(9), [0, 3, 7, 8])
})
