import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { splitWeights, withFailover } from '../../../operator/core/policy/leg-weights.ts'

const targets = (...weights: [string, number][]) => ({ weights: new Map(weights), isLive: true })
const sum = (weights: ReadonlyMap<string, number>, prefix: string): number =>
  [...weights].filter(([target]) => target.startsWith(prefix)).reduce((all, [, weight]) => all + weight, 0)

describe('weights of a split', () => {
  test('are exactly as the shares, to a hundredth of a percent, whatever the instances are', () => {
    const leg = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9_999 }), leg, leg, (share, first, second) => {
        const named = (prefix: string, list: readonly number[]) =>
          targets(...list.map((weight, at): [string, number] => [`${prefix}${at}`, weight]))
        const weights = splitWeights([
          { ...named('a', first), share },
          { ...named('b', second), share: 10_000 - share },
        ])
        assert.equal(sum(weights, 'a') * (10_000 - share), sum(weights, 'b') * share)
        assert.ok([...weights.values()].every((weight) => Number.isInteger(weight) && weight <= 65_535))
      }),
    )
  })

  test('of one leg stay when an instance of the other turns critical', () => {
    const whole = splitWeights([
      { ...targets(['a1', 100], ['a2', 100]), share: 9_000 },
      { ...targets(['b1', 100]), share: 1_000 },
    ])
    const less = splitWeights([
      { ...targets(['a1', 100], ['a2', 0]), share: 9_000 },
      { ...targets(['b1', 100]), share: 1_000 },
    ])
    assert.equal(whole.get('b1'), less.get('b1'))
    assert.deepEqual([less.get('a1'), less.get('a2')], [54_000, 0])
  })

  test('go to the others where a leg has nobody', () => {
    const weights = splitWeights([
      { weights: new Map([['a', 100]]), isLive: false, share: 9_000 },
      { ...targets(['b', 100]), share: 1_000 },
    ])
    assert.deepEqual(
      [...weights],
      [
        ['a', 0],
        ['b', 6_000],
      ],
    )
  })
})

describe('failover', () => {
  const dead = { weights: new Map([['a', 100]]), isLive: false }

  test('gives weight to the first that can serve, and keeps the others as targets without', () => {
    const found = withFailover([dead, targets(['b', 50]), targets(['c', 50])])
    assert.deepEqual(
      [...found.weights],
      [
        ['a', 0],
        ['b', 50],
        ['c', 0],
      ],
    )
  })

  test('leaves the weights to the first where nobody can serve', () => {
    const found = withFailover([dead, { weights: new Map([['b', 0]]), isLive: false }])
    assert.deepEqual(
      [...found.weights],
      [
        ['a', 100],
        ['b', 0],
      ],
    )
  })
})
