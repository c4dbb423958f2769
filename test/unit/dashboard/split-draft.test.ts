import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { splitDraft, withWeight } from '../../../operator/dashboard/model/split-draft.ts'

const split = {
  service: 'web',
  index: 12,
  legs: [
    { service: 'web', subset: 'v1', weight: 90 },
    { service: 'web', subset: 'v2', weight: 10 },
  ],
}

test('nothing is to be written before something is typed, nor when the same is typed again', () => {
  deepEqual(splitDraft(split, null), { texts: ['90', '10'], fault: null, body: null })
  equal(splitDraft(split, ['90.0', '10']).body, null)
})

test('what was typed is sent with the entry that it was typed over', () => {
  deepEqual(splitDraft(split, ['75', '25']).body, {
    service: 'web',
    index: 12,
    legs: [
      { service: 'web', subset: 'v1', weight: 75 },
      { service: 'web', subset: 'v2', weight: 25 },
    ],
  })
})

const faults: readonly (readonly [what: string, texts: readonly string[], fault: RegExp])[] = [
  ['weights that are no 100', ['75', '20'], /together 95 %/],
  ['an empty weight', ['', '100'], /a number from 0 to 100/],
  ['text', ['x', '100'], /a number from 0 to 100/],
  ['a weight above 100', ['101', '-1'], /a number from 0 to 100/],
]
for (const [what, texts, fault] of faults) {
  test(`${what}: not to be written, and it says why`, () => {
    const draft = splitDraft(split, texts)
    equal(draft.body, null)
    match(draft.fault ?? '', fault)
  })
}

test('of two legs the other one gets the rest, so that any weight makes 100', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000 }), fc.constantFrom(0, 1), (hundredths, at) => {
      const texts = withWeight(['90', '10'], at, String(hundredths / 100))
      equal(splitDraft(split, texts).fault, null)
    }),
  )
})

test('of more legs only the one that is typed changes', () => {
  deepEqual(withWeight(['50', '30', '20'], 1, '40'), ['50', '40', '20'])
})
