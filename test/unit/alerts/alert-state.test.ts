import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Alerts, stepAlerts } from '../../../operator/alerts/alert-state.ts'
import { postedAlerts } from '../../../operator/alerts/alertmanager.ts'
import type { Condition } from '../../../operator/alerts/conditions.ts'

const wrong = (over: Partial<Condition> = {}): Condition => ({
  id: 'MeshErrorRateHigh/web',
  name: 'MeshErrorRateHigh',
  severity: 'warning',
  service: 'web',
  message: 'm',
  value: 7,
  threshold: 5,
  forSeconds: 10,
  ...over,
})
const NONE: Alerts = new Map()
/** Looks every second; what was told, by second. */
function run(seconds: readonly (readonly Condition[])[]): readonly string[] {
  let alerts = NONE
  return seconds.flatMap((conditions, second) => {
    const step = stepAlerts(alerts, conditions, second * 1_000, 300_000)
    alerts = step.alerts
    return step.changes.map(({ what, alert }) => `${second} ${what} ${alert.severity}`)
  })
}
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value)

test('it is pending until it has lasted, fires once, and is cleared once', () =>
  deepEqual(run([...times(15, [wrong()]), [], []]), [
    '0 pending warning',
    '10 raised warning',
    '15 cleared warning',
  ]))

test('what ends before its time never fires, and begins anew', () =>
  deepEqual(run([...times(5, [wrong()]), [], ...times(11, [wrong()])]), [
    '0 pending warning',
    '6 pending warning',
    '16 raised warning',
  ]))

test('without a time it fires at once', () =>
  deepEqual(run([[wrong({ forSeconds: 0 })]]), ['0 raised warning']))

test('another severity is told, and the one before is over for those who tell them apart', () => {
  const first = stepAlerts(NONE, [wrong({ forSeconds: 0 })], 0, 1_000).alerts
  const { alerts, changes } = stepAlerts(first, [wrong({ severity: 'critical' })], 1_000, 1_000)
  deepEqual(
    changes.map(({ what, alert, replaced }) => [what, alert.severity, replaced?.severity]),
    [['raised', 'critical', 'warning']],
  )
  equal(alerts.size, 1)
})

test('what is over is listed for a while, and fires anew as a new alert', () => {
  const firing = stepAlerts(NONE, [wrong({ forSeconds: 0 })], 0, 5_000).alerts
  const over = stepAlerts(firing, [], 1_000, 5_000).alerts
  equal(over.get('MeshErrorRateHigh/web')?.state, 'resolved')
  equal(stepAlerts(over, [], 7_000, 5_000).alerts.size, 0)
  const again = stepAlerts(over, [wrong()], 2_000, 5_000)
  deepEqual([again.changes[0]?.what, again.changes[0]?.alert.sinceMs], ['pending', 2_000])
})

test('whatever happens there is one alert of each, raised and cleared in turn', () => {
  const looks = fc.array(fc.record({ ids: fc.subarray(['a', 'b', 'c']), ms: fc.nat(5_000) }), {
    maxLength: 40,
  })
  fc.assert(
    fc.property(looks, fc.nat(3), (all, forSeconds) => {
      let [alerts, nowMs] = [NONE, 0]
      const isUp = new Map<string, boolean>()
      for (const { ids, ms } of all) {
        nowMs += ms
        // The same one said twice is one.
        const said = [...ids, ...ids].map((id) => wrong({ id, forSeconds }))
        const step = stepAlerts(alerts, said, nowMs, 3_000)
        alerts = step.alerts
        for (const { what, alert } of step.changes) {
          if (what === 'pending') continue
          equal(isUp.get(alert.id) ?? false, what === 'cleared')
          isUp.set(alert.id, what === 'raised')
        }
        for (const { id, state } of alerts.values()) equal(isUp.get(id) ?? false, state === 'firing')
      }
    }),
  )
})

test('Alertmanager gets what fires with an end in the future, and what is over with the end it had', () => {
  const posting = { mesh: 'default', url: 'http://op:8080', nowMs: 20_000, lastsMs: 240_000 }
  const pending = stepAlerts(NONE, [wrong()], 0, 1_000).alerts
  deepEqual(postedAlerts([...pending.values()], posting), [])
  const firing = stepAlerts(pending, [wrong()], 12_000, 1_000).alerts
  const [posted] = postedAlerts([...firing.values()], posting)
  deepEqual(posted?.labels, {
    alertname: 'MeshErrorRateHigh',
    severity: 'warning',
    mesh: 'default',
    service: 'web',
  })
  deepEqual(
    [posted?.startsAt, posted?.endsAt].map((time) => Date.parse(time!)),
    [12_000, 260_000],
  )
  ok(Object.values(posted!.annotations).every((text) => typeof text === 'string'))
  const over = stepAlerts(firing, [], 15_000, 1_000).alerts
  equal(Date.parse(postedAlerts([...over.values()], posting)[0]!.endsAt), 15_000)
})
