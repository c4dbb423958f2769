import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Instance } from '../../../operator/core/catalog.ts'
import { planTargets, type TargetPlan } from '../../../operator/core/targets.ts'
import { codesOf, effective, inMaintenance, instance, withCheck } from './build-mesh.ts'

const plan = (
  instances: readonly Instance[],
  document: unknown = {},
  last: Record<string, number> = {},
  held: Record<string, number> = {},
): TargetPlan =>
  planTargets('web', instances, effective(document, instances), {
    last: (target) => last[target] ?? null,
    wasRoutable: () => Object.values(last).some((weight) => weight > 0),
    held: new Map(Object.entries(held)),
  })

/** Weights in the order of 10.0.0.1, 10.0.0.2, ... */
const weights = (...args: Parameters<typeof plan>): number[] => [...plan(...args).weights.values()]

const healthy = (number: number, rest: Partial<Instance> = {}) => withCheck(number, 'passing', rest)
const degraded = (number: number, rest: Partial<Instance> = {}) => withCheck(number, 'warning', rest)
const critical = (number: number, rest: Partial<Instance> = {}) => withCheck(number, 'critical', rest)

const weighted = { loadBalancing: { strategy: 'weighted' } }
const least = { loadBalancing: { strategy: 'least_connections' } }
const five = { weights: { passing: 5, warning: 2 } }
const seven = { weights: { passing: 7, warning: 3 } }
const mute = { weights: { passing: 5, warning: 0 } }

describe('weights of targets', () => {
  const cases: [what: string, instances: Instance[], document: unknown, expected: number[]][] = [
    [
      'round_robin gives all the same, whatever Consul weighs',
      [healthy(1, five), healthy(2, seven)],
      {},
      [100, 100],
    ],
    ["weighted gives Consul's weights", [healthy(1, five), healthy(2, seven)], weighted, [5, 7]],
    [
      "least_connections gives Consul's weights where they differ",
      [healthy(1, five), healthy(2, seven)],
      least,
      [5, 7],
    ],
    [
      'least_connections gives all the same where they do not',
      [healthy(1, five), critical(2, five)],
      least,
      [100, 0],
    ],
    ['an instance without checks is healthy', [instance(1)], {}, [100]],
    ['a critical instance gets nothing and stays a target', [healthy(1), critical(2)], {}, [100, 0]],
    ['one in maintenance gets nothing and stays a target', [healthy(1), inMaintenance(2)], {}, [100, 0]],
    ['a degraded one gets nothing while another is healthy', [healthy(1), degraded(2)], {}, [100, 0]],
    ['degraded ones serve when none is healthy', [degraded(1), degraded(2), critical(3)], {}, [100, 100, 0]],
    ['degraded ones serve beside maintenance', [degraded(1), inMaintenance(2)], {}, [100, 0]],
    [
      'degraded ones serve with Weights.Warning when weighted',
      [degraded(1, five), degraded(2, seven)],
      weighted,
      [2, 3],
    ],
    [
      'all degraded with Weights.Warning 0 serve nonetheless',
      [degraded(1, mute), degraded(2, mute)],
      weighted,
      [5, 5],
    ],
    [
      'degraded: weighted gives Weights.Warning beside healthy ones',
      [healthy(1, five), degraded(2, seven)],
      { ...weighted, degraded: 'weighted' },
      [5, 3],
    ],
    [
      'degraded: weighted gives Weights.Warning with round_robin too',
      [healthy(1, five), degraded(2, seven)],
      { degraded: 'weighted' },
      [100, 3],
    ],
    ['all in maintenance are empty', [inMaintenance(1), inMaintenance(2)], {}, [0, 0]],
    [
      'all critical are empty with whenAllCritical: fail',
      [critical(1), critical(2)],
      { health: { whenAllCritical: 'fail' } },
      [0, 0],
    ],
    [
      'weights of the settings beat those of Consul',
      [healthy(1, five)],
      { ...weighted, weights: { passing: 9 } },
      [9],
    ],
    [
      'a healthy instance of weight 0 does not keep degraded ones out',
      [healthy(1, { meta: { 'mesh-weight': '0' } }), degraded(2)],
      {},
      [0, 100],
    ],
  ]
  for (const [what, instances, document, expected] of cases) {
    test(what, () => assert.deepEqual(weights(instances, document), expected))

    test(`${what}, in any order`, () => {
      assert.deepEqual(weights([...instances].reverse(), document), expected)
    })
  }

  test('meta of an instance is its own weight', () => {
    const instances = [healthy(1, { meta: { 'mesh-weight': '3' } }), healthy(2, five)]
    assert.deepEqual(weights(instances, weighted), [3, 5])
  })

  test('KV of the service beats meta of an instance', () => {
    const instances = [healthy(1, { meta: { 'mesh-weights-passing': '3' } })]
    assert.deepEqual(weights(instances, { ...weighted, weights: { passing: 8 } }), [8])
  })

  test('a weight that Kong cannot hold is clamped and reported', () => {
    const { weights: found, problems } = plan(
      [healthy(1, { weights: { passing: 70_000, warning: 1 } })],
      weighted,
    )
    assert.deepEqual([...found.values()], [65_535])
    assert.deepEqual(codesOf(problems), ['WEIGHT_CLAMPED'])
  })
})

describe('when every instance is critical', () => {
  const all = [critical(1), critical(2), inMaintenance(3)]

  test('those that had weight keep it, the others stay empty', () => {
    const last = { '10.0.0.1:80': 40, '10.0.0.2:80': 0, '10.0.0.3:80': 60 }
    assert.deepEqual(weights(all, {}, last), [40, 0, 0])
  })

  test('they get what they would have if healthy when another one had all the traffic', () => {
    assert.deepEqual(weights(all, {}, { '10.0.0.3:80': 100, '10.0.0.1:80': 0 }), [100, 100, 0])
  })

  test('a service that was never anything else gets no traffic, and that is reported', () => {
    for (const last of [{}, { '10.0.0.1:80': 0, '10.0.0.2:80': 0 }]) {
      const { weights: found, keptAtLastWeights, problems } = plan(all, {}, last)
      assert.deepEqual([...found.values()], [0, 0, 0])
      assert.equal(keptAtLastWeights, false)
      assert.deepEqual(codesOf(problems), ['NEVER_HEALTHY'])
    }
  })

  test('it is flagged and reported', () => {
    const { keptAtLastWeights, problems, instances } = plan(all, {}, { '10.0.0.1:80': 100 })
    assert.equal(keptAtLastWeights, true)
    assert.deepEqual(codesOf(problems), ['ALL_CRITICAL'])
    assert.match(instances[0]!.reason, /kept at its last weight/)
  })

  test('one beside a healthy one of weight 0 is kept as well, and the report says why', () => {
    const standby = healthy(1, { meta: { 'mesh-weight': '0' } })
    const found = plan([standby, critical(2)], weighted, { '10.0.0.1:80': 0, '10.0.0.2:80': 10 })
    assert.deepEqual([...found.weights.values()], [0, 10])
    assert.equal(found.keptAtLastWeights, true)
    assert.match(found.problems[0]!.message, /no other instance of web may get traffic/)
  })

  test('one that comes back takes over from those kept', () => {
    const { weights: found, keptAtLastWeights } = plan([healthy(1), critical(2)], {}, { '10.0.0.2:80': 100 })
    assert.deepEqual([...found.values()], [100, 0])
    assert.equal(keptAtLastWeights, false)
  })

  test('a degraded one is enough to serve alone', () => {
    assert.deepEqual(weights([degraded(1), critical(2)], {}, { '10.0.0.2:80': 100 }), [100, 0])
  })
})

describe('held weights', () => {
  test('stay beside healthy ones while the instance is critical, and the report says why', () => {
    const { weights: found, instances } = plan([healthy(1), critical(2)], {}, {}, { '10.0.0.2:80': 40 })
    assert.deepEqual([...found.values()], [100, 40])
    assert.match(instances[1]!.reason, /too many instances turned critical at once/)
  })

  test('mean nothing for one that recovered, or is in maintenance', () => {
    const held = { '10.0.0.1:80': 40, '10.0.0.2:80': 40 }
    assert.deepEqual(weights([healthy(1), inMaintenance(2)], {}, {}, held), [100, 0])
  })
})

describe('instances that cannot be targets', () => {
  test('one without port is reported and the others serve', () => {
    const { weights: found, instances, problems } = plan([healthy(1), healthy(2, { port: 0 })])
    assert.deepEqual([...found.keys()], ['10.0.0.1:80'])
    assert.deepEqual(codesOf(problems), ['INSTANCE_WITHOUT_PORT'])
    assert.deepEqual([instances[1]!.target, instances[1]!.weight], ['', 0])
  })

  test('one with an address that Kong refuses is reported and the others serve', () => {
    const { weights: found, problems } = plan([healthy(1, { address: 'not a host' }), healthy(2)])
    assert.deepEqual([...found.keys()], ['10.0.0.2:80'])
    assert.deepEqual(codesOf(problems), ['ADDRESS_INVALID'])
  })
})

describe('the same ip:port twice in one service', () => {
  const at = (number: number, status: 'passing' | 'critical', weight: number) =>
    withCheck(number, status, { address: '10.0.0.9', weights: { passing: weight, warning: 1 } })

  test('is one target with the better health and the higher weight', () => {
    const { weights: found, problems } = plan([at(1, 'critical', 9), at(2, 'passing', 5)], weighted)
    assert.deepEqual([...found], [['10.0.0.9:80', 9]])
    assert.deepEqual(codesOf(problems), ['ADDRESS_TWICE'])
  })

  test('is the same when written differently', () => {
    const { weights: found } = plan([
      healthy(1, { address: '::1' }),
      healthy(2, { address: '0:0:0:0:0:0:0:1' }),
    ])
    assert.equal(found.size, 1)
  })
})

test('the report of an instance says why its weight is what it is', () => {
  const { instances } = plan([healthy(1), degraded(2), critical(3), inMaintenance(4)])
  assert.deepEqual(
    instances.map(({ health, weight }) => [health, weight]),
    [
      ['healthy', 100],
      ['degraded', 0],
      ['unhealthy', 0],
      ['unhealthy', 0],
    ],
  )
  assert.match(instances[1]!.reason, /no traffic while an instance is healthy/)
  assert.match(instances[3]!.reason, /maintenance/)
})
