import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  hasOthers,
  isSameSplit,
  NO_SPLITS,
  type Split,
  splitsAt,
} from '../../../operator/core/canary/split-shares.ts'

test('the subset gets its share and the others keep their proportions, other fields stay', () => {
  const splits: readonly Split[] = [
    { Weight: 60, ServiceSubset: 'v1', RequestHeaders: { Add: { a: '1' } } },
    { Weight: 30, Service: 'old' },
    { Weight: 10, ServiceSubset: 'v2' },
  ]
  deepEqual(splitsAt(splits, 'web', 'v2', 25), [
    { Weight: 50, ServiceSubset: 'v1', RequestHeaders: { Add: { a: '1' } } },
    { Weight: 25, Service: 'old' },
    { Weight: 25, ServiceSubset: 'v2' },
  ])
})

test('without a splitter the default subset has the rest', () => {
  deepEqual(splitsAt(NO_SPLITS, 'web', 'v2', 5), [{ Weight: 95 }, { ServiceSubset: 'v2', Weight: 5 }])
})

test('a leg that names its own service, or has no weight, says nothing else than one that does not', () => {
  const plain: readonly Split[] = [{ Weight: 100, ServiceSubset: 'v1' }]
  const told: readonly Split[] = [
    { Weight: 100, Service: 'web', ServiceSubset: 'v1' },
    { Weight: 0, ServiceSubset: 'v2' },
  ]
  equal(isSameSplit('web', plain, told), true)
  equal(isSameSplit('other', plain, told), false)
  deepEqual([hasOthers(plain, 'web', 'v1'), hasOthers(plain, 'web', 'v2')], [false, true])
})

test('weights add up to exactly 100, whatever they were, and the same share again changes nothing', () => {
  const share = fc.integer({ min: 1, max: 10_000 }).map((hundredths) => hundredths / 100)
  fc.assert(
    fc.property(fc.array(share, { minLength: 1, maxLength: 6 }), share, (weights, percent) => {
      const splits = weights.map((Weight, at) => ({ Weight, ServiceSubset: `s${at}` }))
      const next = splitsAt(splits, 'web', 'to', percent)
      equal(
        next.reduce((sum, { Weight }) => sum + Math.round(Weight * 100), 0),
        10_000,
      )
      equal(next.find(({ ServiceSubset }) => ServiceSubset === 'to')?.Weight, Math.round(percent * 100) / 100)
      equal(isSameSplit('web', next, splitsAt(splits, 'web', 'to', percent)), true)
    }),
  )
})
