import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { RecentRequests } from '../../../plugins/outcomes/recent-requests.ts'

const id = (n: number) => n.toString(16).padStart(32, '0')

test('a request that is told of twice is known the second time, whoever tells first', () => {
  const recent = new RecentRequests()
  equal(recent.note(id(1), true), 'new')
  equal(recent.note(id(1), true), 'attributed')
  equal(recent.note(id(2), true), 'new')
  equal(recent.note(id(2), false), 'attributed')
  equal(recent.repeats, 2)
})

test('a request whose service was not known is attributed once', () => {
  const recent = new RecentRequests()
  equal(recent.note(id(1), false), 'new')
  equal(recent.note(id(1), true), 'unattributed')
  equal(recent.note(id(1), true), 'attributed')
})

test('requests without an id of Kong are all new', () => {
  const recent = new RecentRequests()
  equal(recent.note('', true), 'new')
  equal(recent.note('', true), 'new')
})

test('the last 16,384 are known for certain, and far more than 32,768 are forgotten', () => {
  const recent = new RecentRequests()
  for (let n = 0; n < 100_000; n++) equal(recent.note(id(n), true), 'new')
  for (let n = 100_000 - 16_384; n < 100_000; n++) equal(recent.note(id(n), true), 'attributed')
  for (let n = 0; n < 60_000; n += 1_000) equal(recent.note(id(n), true), 'new')
})
