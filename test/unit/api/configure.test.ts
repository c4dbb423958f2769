import { deepEqual, equal, ok } from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import {
  bodyShape,
  CONFIGURABLE,
  changesOf,
  effectiveValues,
  faultsOf,
  queryShape,
} from '../../../operator/api/configure.ts'
import { configuration, configurationShape } from '../../../operator/api/explain-settings.ts'
import { acceptSettings } from '../../../operator/core/settings.ts'
import { instanceOf, snapshotOf } from './catalog-of.ts'

const all = Object.values(CONFIGURABLE).flat()

test('every parameter is a setting that there is', () => {
  for (const { name, schema } of all) ok(schema instanceof z.ZodType, name)
})

test('text of a query becomes the same value as JSON of a body', () => {
  const query = z.strictObject(queryShape(CONFIGURABLE.tracing))
  const body = z.strictObject(bodyShape(CONFIGURABLE.tracing))
  const value = { enabled: false, sampling_rate: 0.5, extract: ['w3c', 'b3'] }
  deepEqual(query.parse({ enabled: 'false', sampling_rate: '0.5', extract: 'w3c, b3' }), value)
  deepEqual(body.parse(value), value)
})

test('bounds are those of the contract', () => {
  const query = z.strictObject(queryShape(CONFIGURABLE['circuit-breaker']))
  const wrong = [
    { failure_threshold: '0' },
    { failure_threshold: '101' },
    { failure_threshold: '1.5' },
    { failure_threshold: '-1' },
    { failure_threshold: 'x' },
    { failure_threshold: '' },
    { recovery_timeout: '0' },
    { recovery_timeout: '3601' },
  ]
  for (const each of wrong) ok(!query.safeParse(each).success, JSON.stringify(each))
  ok(query.safeParse({ failure_threshold: '100', recovery_timeout: '3600' }).success)
})

test('switching active checks on keeps what is said about them', () => {
  const parameters = CONFIGURABLE['health-check']
  const layer = new Map([['healthChecks.active.intervalSeconds', 3]])
  deepEqual(changesOf(parameters, { active: true }, layer), [])
  deepEqual(changesOf(parameters, { active: true }, new Map()), [
    { path: 'healthChecks.active', value: true },
  ])
  deepEqual(changesOf(parameters, { active: true, path: '/up' }, new Map()), [
    { path: 'healthChecks.active.httpPath', value: '/up' },
  ])
})

test('faults are told under the name of the parameter', () => {
  deepEqual(faultsOf(CONFIGURABLE.routing, ['routing.hosts[0] must be a host name', 'routing must be x']), [
    { field: 'hosts', message: '[0] must be a host name' },
    { field: 'body', message: 'routing must be x' },
  ])
})

const documents = new Map([
  ['mesh/defaults', '{"retries": 1}'],
  ['mesh/services/web', '{"loadBalancing": {"strategy": "random"}, "healthChecks": {"active": true}}'],
])
const { accepted } = acceptSettings(null, documents)

test('values in force are told under the names of the parameters, unnamed ones included', () => {
  const { settings } = accepted.forService('web', [])
  deepEqual(effectiveValues(CONFIGURABLE['load-balancer'], settings), { strategy: 'random', hash_on: null })
  const checks = effectiveValues(CONFIGURABLE['health-check'], settings)
  deepEqual([checks['active'], checks['path'], checks['degraded']], [true, '/', 'fallback'])
  equal(effectiveValues(CONFIGURABLE['health-check'], accepted.mesh.settings)['active'], false)
})

test('each value is explained by the layer that set it', () => {
  const snapshot = snapshotOf({
    web: [instanceOf('web-1', 'passing', { meta: { 'mesh-timeouts-read-ms': '5' } })],
    api: [],
  })
  const refused = [
    { service: 'api', message: 'no good' },
    { service: '', message: 'defaults' },
  ]
  const found = configurationShape.parse(configuration(accepted, snapshot, refused, 'web'))
  deepEqual(Object.keys(found.services), ['web'])
  const { web } = found.services
  deepEqual(
    ['retries', 'loadBalancing.strategy', 'timeouts.readMs', 'degraded'].map((path) => web![path]!.source),
    ['mesh/defaults', 'mesh/services/web', 'meta', 'built-in'],
  )
  deepEqual(found.refused, [refused[1]])
  deepEqual(
    ['retries', 'timeouts.readMs'].map((path) => found.defaults_sources[path]),
    ['mesh/defaults', 'built-in'],
  )
})
