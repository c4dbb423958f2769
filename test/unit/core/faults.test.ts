import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { faultState, faultText, refuseLongFaults } from '../../../operator/core/faults.ts'
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
})

test('a time too far away is refused by name, and still when it has come near, until another one is written', () => {
  const layers = (until: string) => new Map([['mesh/services/web', new Map([['faults.until', until]])]])
  const [soon, late] = [layers('2030-01-31T13:00:30Z'), layers('2030-01-31T13:02:00Z')]
  const untold = () => []
  equal(refuseLongFaults(soon, untold, NOW).size, 0)
  const refused = refuseLongFaults(late, untold, NOW)
  match(
    refused.get('mesh/services/web')![0]!,
    /^faults\.until must be at most an hour away when it is written, got "2030-01-31T13:02:00Z"; write another time$/,
  )
  const later = NOW + 1_800_000
  const told = (key: string) => refused.get(key) ?? []
  deepEqual(refuseLongFaults(late, told, later), refused)
  equal(refuseLongFaults(late, untold, later).size, 0)
  equal(refuseLongFaults(layers('2030-01-31T13:01:00Z'), told, later).size, 0)
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
