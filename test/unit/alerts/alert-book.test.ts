// Which alerts are told to whom, as they and the silences change.
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { Alert } from '../../../operator/alerts/alert-state.ts'
import type { Condition } from '../../../operator/alerts/conditions.ts'
import type { Silence } from '../../../operator/alerts/silences.ts'
import { AlertBook } from '../../../operator/sync/alert-book.ts'
import { silentLogger } from '../../../operator/telemetry/logger.ts'
import { createMetrics } from '../../../operator/telemetry/metrics.ts'

const errors = (severity: Condition['severity']): Condition => ({
  ...{ id: 'MeshErrorRateHigh/web', name: 'MeshErrorRateHigh', severity, service: 'web', message: 'bad' },
  ...{ value: 7, threshold: 5, forSeconds: 0 },
})
const silenceOf = (over: Partial<Silence>): Silence => ({
  ...{ id: 's', alert: null, service: null, severity: null, reason: '', by: '' },
  ...{ sinceMs: null, untilMs: Number.POSITIVE_INFINITY },
  ...over,
})

/** A book, what it is to see at the next look, and what it told at each. */
function bookOf() {
  const world = { conditions: [] as Condition[], silences: [] as Silence[] }
  const told: { readonly firing: string[]; readonly over: string[] }[] = []
  const events: string[] = []
  const words = (alerts: readonly Alert[]) => alerts.map(({ severity, id }) => `${severity} ${id}`)
  const book = new AlertBook({
    writer: {} as never,
    log: silentLogger,
    metrics: createMetrics('test'),
    events: {
      add: (event: { data: unknown }) => events.push((event.data as { what: string }).what),
    } as never,
    sender: { update: (firing, over) => void told.push({ firing: words(firing), over: words(over) }) },
    silences: () => world.silences,
    conditions: () => world.conditions,
    isActive: () => true,
  })
  return { book, world, told, events }
}

test('a change of severity ends the alert that was told, although what takes its place is silenced', () => {
  const { book, world, told } = bookOf()
  world.silences = [silenceOf({ severity: 'critical' })]
  world.conditions = [errors('warning')]
  book.look(1_000)
  world.conditions = [errors('critical')]
  book.look(2_000)
  deepEqual(told, [
    { firing: ['warning MeshErrorRateHigh/web'], over: [] },
    { firing: [], over: ['warning MeshErrorRateHigh/web'] },
  ])
})

test('what was silenced is not told to be over, and what takes its place is told', () => {
  const { book, world, told } = bookOf()
  world.silences = [silenceOf({ severity: 'warning' })]
  world.conditions = [errors('warning')]
  book.look(1_000)
  world.conditions = [errors('critical')]
  book.look(2_000)
  deepEqual(told, [
    { firing: [], over: [] },
    { firing: ['critical MeshErrorRateHigh/web'], over: [] },
  ])
})

test('however often it is looked at, an alert is told to begin once and to end once', () => {
  const { book, world, told, events } = bookOf()
  world.conditions = [errors('warning'), errors('warning')]
  for (let i = 0; i < 5; i++) book.look(1_000 + i)
  world.conditions = []
  for (let i = 0; i < 5; i++) book.look(2_000 + i)
  deepEqual(events, ['raised', 'cleared'])
  deepEqual(
    told.flatMap(({ over }) => over),
    ['warning MeshErrorRateHigh/web'],
  )
  deepEqual(told[0]!.firing, ['warning MeshErrorRateHigh/web'])
  deepEqual(book.list().length, 1)
})
