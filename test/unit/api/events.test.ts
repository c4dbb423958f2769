import { deepEqual, equal, match } from 'node:assert/strict'
import test from 'node:test'
import { EventLog } from '../../../operator/api/event-log.ts'
import { eventsBetween, type Picture } from '../../../operator/api/mesh-events.ts'

const EMPTY: Picture = {
  health: new Map(),
  circuits: new Map(),
  overrides: new Map(),
  problems: new Map(),
  changes: [],
}
const instance = (health: string): Picture['health'] =>
  new Map([['web', [{ node: 'n', id: 'web-1', health }]]])
const circuit = (state: string): Picture['circuits'] =>
  new Map([['c', { kind: 'service', service: 'web', instance_id: null, state, reason: 'rate', node: 'k' }]])

test('an instance that comes, changes and goes is three events', () => {
  const told = (before: Picture['health'], after: Picture['health']) =>
    eventsBetween({ ...EMPTY, health: before }, { ...EMPTY, health: after }).map(({ kind, data }) => {
      const { from, to } = data as { from: string | null; to: string }
      return [kind, from, to]
    })
  deepEqual(told(new Map(), instance('healthy')), [['health', null, 'healthy']])
  deepEqual(told(instance('healthy'), instance('degraded')), [['health', 'healthy', 'degraded']])
  deepEqual(told(instance('degraded'), new Map()), [['health', 'degraded', 'gone']])
  deepEqual(told(instance('healthy'), instance('healthy')), [])
  const two = new Map([
    [
      'web',
      [
        { node: 'n', id: 'web-1', health: 'healthy' },
        { node: 'm', id: 'web-1', health: 'healthy' },
      ],
    ],
  ])
  deepEqual(told(instance('healthy'), two), [['health', null, 'healthy']])
  deepEqual(told(two, instance('healthy')), [['health', 'healthy', 'gone']])
})

test('a circuit that opens is an event, one that is told of as closed is none', () => {
  const told = (before: Picture['circuits'], after: Picture['circuits']) =>
    eventsBetween({ ...EMPTY, circuits: before }, { ...EMPTY, circuits: after }).length
  equal(told(new Map(), circuit('closed')), 0)
  equal(told(circuit('closed'), circuit('open')), 1)
  equal(told(new Map(), circuit('open')), 1)
  equal(told(circuit('open'), new Map()), 0)
})

test('what was written comes first, oldest first, then overrides and alerts that came and went', () => {
  const events = eventsBetween(
    { ...EMPTY, changes: [{ id: 2 }], problems: new Map([['p', { code: 'OLD' }]]) },
    {
      ...EMPTY,
      changes: [{ id: 4 }, { id: 3 }, { id: 2 }],
      overrides: new Map([['o', { field: 'retries' }]]),
    },
  )
  deepEqual(events, [
    { kind: 'reconcile', data: { id: 3 } },
    { kind: 'reconcile', data: { id: 4 } },
    { kind: 'override', data: { field: 'retries', what: 'kept' } },
    { kind: 'alert', data: { code: 'OLD', what: 'cleared' } },
  ])
})

test('ids increase, the last thousand are kept, and only listeners are told', () => {
  const log = new EventLog(10)
  const heard: number[] = []
  const end = log.listen(({ id }) => heard.push(id))
  for (let at = 0; at < 1_005; at++) log.add({ kind: 'alert', data: { text: 'a\nb' } })
  end()
  log.add({ kind: 'alert', data: {} })
  deepEqual([heard.length, heard[0], heard.at(-1)], [1_005, 10, 1_014])
  equal(log.since(0).length, 1_000)
  deepEqual(
    log.since(1_013).map(({ id }) => id),
    [1_014, 1_015],
  )
  match(log.since(1_013)[0]!.text, /^id: 1014\nevent: alert\ndata: \{"text":"a\\nb"\}\n\n$/)
})

test('events of whole entities are kept for as long as they take little memory, the newest ones', () => {
  const log = new EventLog(1)
  for (let i = 0; i < 300; i++) log.add({ kind: 'reconcile', data: 'x'.repeat(10_000) })
  const kept = log.since(0)
  equal(kept.at(-1)!.id, 300)
  const characters = kept.reduce((sum, { text }) => sum + text.length, 0)
  equal(characters <= 2_000_000 && characters > 1_900_000, true, `${characters} characters`)
})
