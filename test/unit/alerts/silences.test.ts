import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import {
  type AcceptedAlerts,
  ALERTS_KEY,
  ALERTS_STATUS_KEY,
  acceptAlerts,
} from '../../../operator/alerts/accept-alerts.ts'
import { DEFAULT_ALERTS } from '../../../operator/alerts/alert-settings.ts'
import {
  type Silence,
  silencedBy,
  silenceKey,
  silencesIn,
  silenceText,
  spentSilences,
} from '../../../operator/alerts/silences.ts'

const silence: Silence = {
  ...{ id: 'one', alert: null, service: 'web', severity: null, reason: 'r', by: 'ada' },
  sinceMs: 1_000,
  untilMs: 60_000,
}
const rowsOf = (rows: Readonly<Record<string, string>>) =>
  new Map(Object.entries(rows).map(([key, text]) => [key, { text, index: 1 }]))
const alert = { name: 'MeshServiceDown', service: 'web', severity: 'critical' } as const

test('a silence is read as it was written, until its end', () => {
  const rows = rowsOf({ [silenceKey('one')]: silenceText(silence), 'mesh/pause/web': '{}' })
  deepEqual(silencesIn(rows, 59_999), [silence])
  deepEqual(silencesIn(rows, 60_000), [])
  deepEqual(spentSilences(rows, 60_000), [silenceKey('one')])
})

test('what names nothing, has no end or is no JSON silences nothing', () => {
  const texts = ['{"until":"2099-01-01T00:00:00Z"}', '{"service":"web"}', 'quiet', 'null', '[]']
  const rows = rowsOf(Object.fromEntries(texts.map((text, i) => [silenceKey(`${i}`), text])))
  deepEqual(silencesIn(rows, 0), [])
  equal(spentSilences(rows, 0).length, texts.length)
})

test('an alert falls under a silence when it is all that this names', () => {
  const of = (over: Partial<Silence>) => silencedBy(alert, [{ ...silence, ...over }])
  deepEqual(of({}), ['one'])
  deepEqual(of({ alert: 'MeshServiceDown', severity: 'critical' }), ['one'])
  deepEqual(of({ severity: 'warning' }), [])
  deepEqual(of({ service: 'api' }), [])
  deepEqual(silencedBy({ ...alert, service: null }, [silence]), [])
})

test('thresholds that do not validate leave the last good ones, also those that KV remembers', () => {
  const good = acceptAlerts(null, rowsOf({ [ALERTS_KEY]: '{"resolvedSeconds": 7}' }))
  const bad = rowsOf({ [ALERTS_KEY]: '{"resolvedSeconds": -7}' })
  const kept = acceptAlerts(good, bad)
  const told = (accepted: AcceptedAlerts) => [accepted.settings.resolvedSeconds, accepted.refusal?.lastGood]
  deepEqual(told(kept), [7, '{"resolvedSeconds": 7}'])
  const status = {
    state: 'refused',
    document: ALERTS_KEY,
    errors: ['e'],
    since: '2026-01-01T00:00:00Z',
    lastGood: '{"resolvedSeconds": 9}',
  }
  const rows = new Map([...bad, ...rowsOf({ [ALERTS_STATUS_KEY]: JSON.stringify(status) })])
  deepEqual(told(acceptAlerts(null, rows)), [9, '{"resolvedSeconds": 9}'])
  deepEqual(told(acceptAlerts(null, bad)), [DEFAULT_ALERTS.resolvedSeconds, null])
  equal(acceptAlerts(kept, new Map()).settings, DEFAULT_ALERTS)
})
