import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { legName, legsOf, reweighed } from '../../../operator/core/policy/split-legs.ts'

const entry = {
  Kind: 'service-splitter',
  Name: 'web',
  Meta: { owner: 'shop' },
  Splits: [
    { Weight: 90, ServiceSubset: 'v1', RequestHeaders: { Set: { 'x-from': 'v1' } } },
    { Weight: 10, ServiceSubset: 'v2' },
    { Weight: 0, Service: 'other' },
  ],
  CreateIndex: 11,
  ModifyIndex: 12,
  Hash: 99,
}

test('weights are changed, and nothing else of the entry', () => {
  const edited = reweighed(entry, [
    { subset: 'v1', weight: 75 },
    { service: 'other', weight: 15 },
  ])
  ok(edited.ok)
  deepEqual(edited.entry, {
    Kind: 'service-splitter',
    Name: 'web',
    Meta: { owner: 'shop' },
    Splits: [
      { Weight: 75, ServiceSubset: 'v1', RequestHeaders: { Set: { 'x-from': 'v1' } } },
      { Weight: 10, ServiceSubset: 'v2' },
      { Weight: 15, Service: 'other' },
    ],
  })
  deepEqual(legsOf(edited.splitter), [
    { service: 'web', subset: 'v1', weight: 75 },
    { service: 'web', subset: 'v2', weight: 10 },
    { service: 'other', subset: null, weight: 15 },
  ])
  equal(entry.Splits[0]!.Weight, 90, 'what was given stays as it was')
})

const refused: readonly (readonly [what: string, wanted: object[], field: string, message: RegExp])[] = [
  ['a leg that is none', [{ subset: 'v3', weight: 1 }], 'legs.0', /it has web\/v1, web\/v2, other$/],
  [
    'the same leg twice',
    [
      { subset: 'v1', weight: 90 },
      { service: 'web', subset: 'v1', weight: 90 },
    ],
    'legs.1',
    /twice/,
  ],
  ['weights that are no 100', [{ subset: 'v1', weight: 80 }], 'legs', /add up to 90, not to 100/],
]
for (const [what, wanted, field, message] of refused) {
  test(`${what}: refused, by name`, () => {
    const edited = reweighed(entry, wanted as { weight: number }[])
    ok(!edited.ok)
    equal(edited.field, field)
    ok(message.test(edited.message), edited.message)
  })
}

test('an entry that does not validate as it is, is not written over', () => {
  const edited = reweighed({ ...entry, Splits: [] }, [{ weight: 100 }])
  ok(!edited.ok && edited.field === 'service')
})

test('whatever weights add up to 100 are taken as they were given, to a hundredth', () => {
  const shares = fc
    .array(fc.integer({ min: 0, max: 10_000 }), { minLength: 1, maxLength: 8 })
    .map((cuts) => [0, ...cuts, 10_000].sort((left, right) => left - right))
    .map((cuts) => cuts.slice(1).map((cut, at) => (cut - cuts[at]!) / 100))
  fc.assert(
    fc.property(shares, (weights) => {
      const Splits = weights.map((_, at) => ({ Weight: at === 0 ? 100 : 0, ServiceSubset: `v${at}` }))
      const raw = { Kind: 'service-splitter', Name: 'web', Splits }
      const edited = reweighed(
        raw,
        weights.map((weight, at) => ({ subset: `v${at}`, weight })),
      )
      ok(edited.ok)
      deepEqual(
        legsOf(edited.splitter).map((leg) => [legName(leg), leg.weight]),
        weights.map((weight, at) => [`web/v${at}`, weight]),
      )
    }),
  )
})
