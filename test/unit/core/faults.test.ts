import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { faultState, faultText } from '../../../operator/core/faults.ts'
import { acceptSettings } from '../../../operator/core/settings.ts'
import { BUILT_IN } from '../../../operator/core/settings-defaults.ts'

const NOW = Date.parse('2030-01-31T12:00:00Z')
const faults = (over: object) => ({
  ...BUILT_IN.faults,
  abortPercent: 5,
  until: '2030-01-31T12:30:00Z',
  ...over,
})

test('faults are in force until their time, at most an hour from now', () => {
  const state = faultState(faults({}), NOW)
  equal(state.kind === 'in_force' && state.faults.untilMs, Date.parse('2030-01-31T12:30:00Z'))
  equal(faultState(faults({}), Date.parse('2030-01-31T12:30:00Z')).kind, 'over')
  equal(faultState(faults({ until: '2030-01-31T13:02:00Z' }), NOW).kind, 'too_long')
  equal(faultState(faults({ until: '2030-01-31T13:02:00Z' }), NOW + 120_000).kind, 'in_force')
})

test('by default, and where nothing is asked for, there are none', () => {
  equal(faultState(BUILT_IN.faults, NOW).kind, 'none')
  equal(faultState(faults({ abortPercent: 0 }), NOW).kind, 'none')
})

test('the same settings are the same view: nobody is told again', () => {
  const same = faults({})
  const [one, other] = [faultState(same, NOW), faultState(same, NOW + 1)]
  equal(one.kind === 'in_force' && one.faults, other.kind === 'in_force' && other.faults)
})

test('the text for people says what, of which requests, and until when', () => {
  const state = faultState(faults({ delayMs: 200, delayPercent: 50, paths: ['/buy'] }), NOW)
  match(
    state.kind === 'in_force' ? faultText(state.faults) : '',
    /of its requests below \/buy 50 % are delayed by 200 ms and 5 % are answered 503, until 2030-01-31T12:30:00.000Z$/,
  )
})

test('a document with faults names until when, and no other document may have any', () => {
  const errorsOf = (key: string, faults: object) =>
    acceptSettings(null, new Map([[key, JSON.stringify({ faults })]])).problems.map(({ message }) => message)
  deepEqual(errorsOf('mesh/services/web', { until: '2030-01-31T12:00:00Z', delayMs: 10 }), [])
  match(
    errorsOf('mesh/services/web', { delayMs: 10 })[0]!,
    /faults.until must be a time such as .*, at most an hour away/,
  )
  match(
    errorsOf('mesh/services/web', { until: '2030-01-31T12:00:00Z', delayMs: 60_000 })[0]!,
    /delayMs must be a whole number from 1 to 10000/,
  )
  match(errorsOf('mesh/defaults', { until: '2030-01-31T12:00:00Z' })[0]!, /must not be set for all services/)
})
