import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { CircuitHistory } from '../../../plugins/agent/circuit-history.ts'
import type { Transition } from '../../../plugins/breaker/transition.ts'

const change = (over: Partial<Transition> = {}): Transition => ({
  atMs: 1,
  key: 'k',
  instance: null,
  from: 'closed',
  to: 'open',
  reason: 'failure_rate',
  wouldBe: false,
  deadlineMs: null,
  ...over,
})

test('the last change of a circuit is known, service and instance apart', () => {
  const history = new CircuitHistory()
  history.note(change(), 10)
  history.note(change({ instance: 'a:1', to: 'ejected', reason: 'bad' }), 20)
  deepEqual(history.of('k', null), { sinceMs: 10, reason: 'failure_rate' })
  deepEqual(history.of('k', 'a:1'), { sinceMs: 20, reason: 'bad' })
  equal(history.of('other', null), undefined)
})

test('what would have happened is counted, and changes nothing', () => {
  const history = new CircuitHistory()
  history.note(change({ wouldBe: true }), 10)
  equal(history.of('k', null), undefined)
  deepEqual([...history.transitions], [['service would_be_open', 1]])
})

test('it does not grow without bound', () => {
  const history = new CircuitHistory()
  for (let i = 0; i <= 50_000; i++) history.note(change({ key: `k${i}` }), i)
  equal(history.of('k0', null), undefined)
  equal(history.of('k50000', null)?.sinceMs, 50_000)
  deepEqual([...history.transitions], [['service open', 50_001]])
})
