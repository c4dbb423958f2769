import { deepEqual, equal } from 'node:assert/strict'
import test from 'node:test'
import {
  type CriticalNews,
  type CriticalWatch,
  NOTHING_CRITICAL,
  reviewCritical,
  type Turn,
} from '../../../operator/sync/critical-guard.ts'

const turns = (count: number, atMs: number, first = 0): Turn[] =>
  Array.from({ length: count }, (_, at) => ({
    service: 'web',
    target: `10.0.0.${first + at}:80`,
    weight: 100,
    atMs,
  }))
const news = (turned: readonly Turn[], ms: number, over: Partial<CriticalNews> = {}): CriticalNews => ({
  turned,
  isCritical: () => true,
  known: () => 20,
  ms,
  holdMs: 300_000,
  ...over,
})
const all = (count: number, ms = 1000, over: Partial<CriticalNews> = {}): CriticalWatch =>
  reviewCritical(NOTHING_CRITICAL, news(turns(count, ms), ms, over))

test('eleven of twenty at once are held', () => equal(all(11).held.size, 11))
test('ten of twenty are not', () => equal(all(10).held.size, 0))
test('ten of ten are not: a handful that fails together is a crash', () =>
  equal(all(10, 1000, { known: () => 10 }).held.size, 0))
test('nothing is held with guard.holdSeconds 0', () => equal(all(11, 1000, { holdMs: 0 }).held.size, 0))

test('one by one within ten seconds they are held, those that turned first with their weights before', () => {
  let watch = NOTHING_CRITICAL
  for (let at = 0; at < 11; at++) watch = reviewCritical(watch, news(turns(1, at * 900, at), at * 900))
  equal(watch.held.size, 11)
  equal(watch.held.get('10.0.0.0:80 web')?.weight, 100)
})

test('one every two seconds they are not held', () => {
  let watch = NOTHING_CRITICAL
  for (let at = 0; at < 20; at++) watch = reviewCritical(watch, news(turns(1, at * 2000, at), at * 2000))
  equal(watch.held.size, 0)
})

test('those that recovered meanwhile do not count', () => {
  const first = all(6)
  const isCritical = (_: string, target: string) => Number(/\.(\d+):/.exec(target)?.[1]) >= 6
  const next = reviewCritical(first, news(turns(6, 2000, 6), 2000, { isCritical }))
  deepEqual([next.turns.size, next.held.size], [6, 0])
})

test('one that recovers is held no more, and the others are', () => {
  const isCritical = (_: string, target: string) => target !== '10.0.0.3:80'
  equal(reviewCritical(all(12), news([], 2000, { isCritical })).held.size, 11)
})

test('others that turn critical join the hold, until the same time', () => {
  const joined = reviewCritical(all(11), news(turns(1, 60_000, 11), 60_000))
  equal(joined.held.size, 12)
  equal(joined.held.get('10.0.0.11:80 web')?.untilMs, 301_000)
})

test('a hold ends with its time, and what it held is not held again', () => {
  const over = reviewCritical(all(11), news([], 301_001))
  deepEqual([over.turns.size, over.held.size], [0, 0])
})

test('a shorter hold in KV ends those that stand', () => {
  equal(reviewCritical(all(11), news([], 2000, { holdMs: 0 })).held.size, 0)
})
