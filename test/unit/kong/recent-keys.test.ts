import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { RecentKeys } from '../../../operator/kong/recent-keys.ts'

test('a key is known for its time, from when it was told of last', () => {
  const recent = new RecentKeys(100)
  recent.add('a', 0)
  recent.add('b', 10)
  recent.add('a', 60)
  const known = (nowMs: number) => ['a', 'b'].filter((key) => recent.has(key, nowMs))
  deepEqual([known(0), known(109), known(110), known(160)], [['a', 'b'], ['a', 'b'], ['a'], []])
  recent.delete('a')
  deepEqual(known(70), ['b'])
})

test('of keys that are never asked for again nothing is kept', () => {
  const recent = new RecentKeys(100)
  for (let at = 0; at < 10_000; at++) recent.add(`target ${at}`, at)
  equal(recent.size, 100)
})
