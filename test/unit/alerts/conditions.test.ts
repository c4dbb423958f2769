import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { readAlertSettings } from '../../../operator/alerts/alert-settings.ts'
import { type AlertFacts, conditions, type JudgedService } from '../../../operator/alerts/conditions.ts'

const serviceOf = (over: Partial<JudgedService> = {}): JudgedService => ({
  service_name: 'web',
  status: 'healthy',
  instance_count: 4,
  healthy_count: 4,
  unhealthy_count: 0,
  degraded_count: 0,
  request_rate: 10,
  error_rate: 0,
  p50_latency: 5,
  p95_latency: 10,
  p99_latency: 20,
  circuit_breakers_open: 0,
  active_connections: 0,
  health_percentage: 100,
  requests: 600,
  ...over,
})
const factsOf = (over: Partial<AlertFacts> = {}): AlertFacts => ({
  mesh: { health_score: 100, total_instances: 4, healthy_instances: 4 },
  services: [serviceOf()],
  problems: [],
  consulError: null,
  kongError: null,
  ...over,
})
const settingsOf = (document: object) => {
  const read = readAlertSettings(JSON.stringify(document))
  ok(read.ok, JSON.stringify(read))
  return read.settings
}
const found = (facts: AlertFacts, document: object = {}) =>
  conditions(facts, settingsOf(document)).map(({ id, severity }) => `${severity} ${id}`)
const ofService = (over: Partial<JudgedService>, document?: object) =>
  found(factsOf({ services: [serviceOf(over)] }), document)
const scored = (health_score: number) =>
  found(factsOf({ mesh: { health_score, total_instances: 4, healthy_instances: 2 } }))

test('a mesh in which all is well has none', () => deepEqual(found(factsOf()), []))

test('the score of the mesh below 80 % is a warning, below 50 % critical, of an empty mesh nothing', () => {
  deepEqual(scored(80), [])
  deepEqual(scored(79.9), ['warning MeshHealthScoreLow'])
  deepEqual(scored(49.9), ['critical MeshHealthScoreLow'])
  deepEqual(found(factsOf({ mesh: { health_score: 0, total_instances: 0, healthy_instances: 0 } })), [])
})

test('no healthy instance is critical, fewer than half of them a warning, and never both', () => {
  deepEqual(ofService({ healthy_count: 0, health_percentage: 0 }), ['critical MeshServiceDown/web'])
  deepEqual(ofService({ healthy_count: 1, health_percentage: 25 }), ['warning MeshServiceDegraded/web'])
  deepEqual(ofService({ healthy_count: 2, health_percentage: 50 }), [])
  deepEqual(ofService({ instance_count: 0, healthy_count: 0, health_percentage: 0 }), [])
})

test('errors and p95 are judged where there were enough requests', () => {
  deepEqual(ofService({ error_rate: 5 }), ['warning MeshErrorRateHigh/web'])
  deepEqual(ofService({ error_rate: 10 }), ['critical MeshErrorRateHigh/web'])
  deepEqual(ofService({ error_rate: 100, requests: 19 }), [])
  deepEqual(ofService({ p95_latency: 1_000 }), ['warning MeshLatencyHigh/web'])
})

test('an open circuit is a warning, one for each service', () =>
  deepEqual(ofService({ circuit_breakers_open: 3 }), ['warning MeshCircuitOpen/web']))

test('what cannot be reached, and what is held, is told', () => {
  const problem = (code: string) => ({ code, severity: 'warning', service: 'web', message: 'm' }) as const
  const problems = [problem('PAUSED'), problem('SHRINK_HELD'), problem('META_UNKNOWN')]
  deepEqual(found(factsOf({ problems, kongError: 'refused' })), [
    'warning MeshHeld/PAUSED/web',
    'warning MeshHeld/SHRINK_HELD/web',
    'critical MeshKongUnreachable',
  ])
})

test('a service has thresholds of its own over those of the mesh, which are over the defaults', () => {
  const document = {
    errorRate: { warning: 1, forSeconds: 7 },
    circuitOpen: false,
    services: { web: { errorRate: { critical: 2 } }, api: { errorRate: false, circuitOpen: {} } },
  }
  deepEqual(ofService({ error_rate: 1.5, circuit_breakers_open: 1 }, document), [
    'warning MeshErrorRateHigh/web',
  ])
  deepEqual(ofService({ error_rate: 2 }, document), ['critical MeshErrorRateHigh/web'])
  const api = { service_name: 'api', error_rate: 50, circuit_breakers_open: 1 }
  deepEqual(ofService(api, document), ['warning MeshCircuitOpen/api'])
  equal(settingsOf(document).services.get('web')?.errorRate?.forSeconds, 7)
})

const refused: readonly [string, object, string][] = [
  ['an unknown key', { errorRates: {} }, 'errorRates is not a setting; did you mean errorRate?'],
  [
    'more than 100 percent',
    { errorRate: { warning: 101 } },
    'errorRate.warning must be a number from 0 to 100',
  ],
  [
    'a text',
    { services: { web: { p95Ms: { warning: '1s' } } } },
    'services.web.p95Ms.warning must be a number',
  ],
]
for (const [what, document, error] of refused) {
  test(`${what} refuses the document and is named`, () => {
    const read = readAlertSettings(JSON.stringify(document))
    ok(!read.ok && read.errors.some((each) => each.includes(error)), JSON.stringify(read))
  })
}

test('YAML is read as well', () => {
  const read = readAlertSettings('meshScore: {warningBelow: 90}\nheld: false\n')
  ok(read.ok)
  deepEqual([read.settings.meshScore?.warningBelow, read.settings.meshScore?.criticalBelow], [90, 50])
  equal(read.settings.held, null)
})
