import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { withoutLetGo } from '../../../operator/sync/let-go-circuits.ts'
import type { CircuitRow } from '../../../operator/sync/list-circuits.ts'

const row = (over: Partial<CircuitRow>): CircuitRow => ({
  kind: 'service',
  service: 'web',
  target: null,
  address: null,
  instance_id: null,
  state: 'forced_open',
  mode: 'auto',
  mode_set_in: null,
  since: '2030-01-01T00:00:00.000Z',
  until: null,
  reason: 'by_hand: mode auto became forced_open',
  node: 'a',
  counts: {},
  ...over,
})

test('a circuit that is let go in Kong is closed, also before a request has told its process', () => {
  const [told] = withoutLetGo([row({})], () => false)
  deepEqual([told!.state, told!.since, told!.reason], ['closed', null, 'let go by hand, no request since'])
})

test('what Kong still holds forced open is told so, and so is everything else', () => {
  const held = row({})
  equal(withoutLetGo([held], (service) => service === 'web')[0], held)
  for (const other of [row({ mode: 'forced_open' }), row({ state: 'open' }), row({ service: '' })])
    equal(withoutLetGo([other], () => false)[0], other)
})
