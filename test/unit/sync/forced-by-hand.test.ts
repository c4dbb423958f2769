import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Entity } from '../../../operator/core/entity.ts'
import type { CircuitReport } from '../../../operator/sync/circuit-book.ts'
import { ForcedByHand } from '../../../operator/sync/forced-by-hand.ts'

const breaker = (mode: string): Entity => ({
  ...{ kind: 'plugin', id: 'p1', name: 'mesh-circuit-breaker', owner: 'web', parent: 's1', tags: [] },
  fields: { 'config.mode': mode },
})
const told = (state: string, since = 1) => {
  const circuit: CircuitReport = {
    ...{ circuit: { kind: 'service', serviceId: 's1' }, state, since, until: null },
    ...{ reason: '', counts: {} },
  }
  return { node: 'a', circuits: [circuit] }
}

function setUp(inKong: () => Promise<Entity | null>) {
  const known = new Map([['web', breaker('auto')]])
  let reads = 0
  const forced = new ForcedByHand({
    serviceOf: (id) => (id === 's1' ? 'web' : undefined),
    entitiesOf: (service) => [known.get(service)].filter((each) => each !== undefined),
    read: async () => {
      reads++
      return await inKong()
    },
    found: (entity, service) => known.set(service, entity),
  })
  return { forced, reads: () => reads }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a circuit that is forced open, nobody here knows by whom, has its plugin read, once', async () => {
  const { forced, reads } = setUp(async () => breaker('forced_open'))
  forced.note(told('closed'))
  equal(reads(), 0)
  forced.note(told('forced_open'))
  equal(forced.isForced('web'), true, 'while it is read')
  await turn()
  forced.note(told('forced_open'))
  deepEqual([forced.isForced('web'), reads()], [true, 1])
})

test('one that was let go in the meantime is not forced, and looked at when it is forced again', async () => {
  const { forced, reads } = setUp(async () => breaker('auto'))
  forced.note(told('forced_open'))
  await turn()
  forced.note(told('forced_open'))
  deepEqual([forced.isForced('web'), reads()], [false, 1])
  forced.note(told('forced_open', 2))
  equal(reads(), 2)
})

test('a Kong that does not answer is asked when the circuit is told again', async () => {
  const { forced, reads } = setUp(() => Promise.reject(new Error('away')))
  forced.note(told('forced_open'))
  await turn()
  forced.note(told('forced_open'))
  equal(reads(), 2)
})
