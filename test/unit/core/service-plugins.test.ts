import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { diff } from '../../../operator/core/diff.ts'
import { type Json, keyOf } from '../../../operator/core/entity.ts'
import { bodyFor, entityFromKong } from '../../../operator/core/kong-json.ts'
import { missingPlugins } from '../../../operator/core/missing-plugins.ts'
import { MESH_PLUGINS } from '../../../operator/core/service-plugins.ts'
import { applied, desire, edit, instance, KEEP, namesOf, stateOf } from './build-mesh.ts'

const services = { web: [instance(1)] }
const both = { options: { plugins: MESH_PLUGINS } }
const withRules = (circuitBreaker: Json) => ({
  ...both,
  documents: { 'mesh/services/web': { circuitBreaker } },
})

const breakerOf = ({ state }: ReturnType<typeof desire>) =>
  [...state.values()].find(({ name }) => name === 'mesh-circuit-breaker')!

test('a Kong without the plugins gets none, one that has them gets tracing and breaker on every service', () => {
  deepEqual(namesOf(desire(services).state, 'plugin'), [])
  deepEqual(namesOf(desire(services, both).state, 'plugin'), ['mesh-circuit-breaker', 'mesh-tracing'])
})

test('mesh-observer is for a Kong that has it where outcomes are to come from it, and goes again', () => {
  const observed = { options: { plugins: MESH_PLUGINS, outcomes: 'observer' as const } }
  const withIt = desire(services, observed)
  deepEqual(namesOf(withIt.state, 'plugin'), [...MESH_PLUGINS].sort())
  const without = { options: { plugins: ['mesh-tracing' as const], outcomes: 'observer' as const } }
  deepEqual(namesOf(desire(services, without).state, 'plugin'), ['mesh-tracing'])
  const { changes } = diff(applied(withIt.state), desire(services, both).state, KEEP)
  deepEqual(
    changes.map(({ action, entity }) => [action, entity.name]),
    [['delete', 'mesh-observer']],
  )
})

test('mesh-observer has nothing to configure: what Kong answers to it is no difference', () => {
  const { state } = desire(services, { options: { plugins: MESH_PLUGINS, outcomes: 'observer' } })
  const wanted = [...state.values()].find(({ name }) => name === 'mesh-observer')!
  const answered = entityFromKong('plugin', { ...bodyFor(wanted), config: {}, protocols: ['http', 'https'] })
  const { changes, overrides } = diff(stateOf(answered), stateOf(wanted), KEEP)
  deepEqual([changes, overrides], [[], []])
})

test('a Kong misses mesh-observer only where outcomes are to come from it', () => {
  const loaded = ['mesh-tracing', 'mesh-circuit-breaker'] as const
  deepEqual(missingPlugins(loaded), [])
  const [problem] = missingPlugins(loaded, 'observer')
  match(problem!.message, /has not loaded mesh-observer:.*KONGSUL_KONG_OUTCOMES=observer/)
})

test('settings of Consul are fields of the configuration, and what is set no longer goes back to null', () => {
  const before = desire(
    services,
    withRules({ openSeconds: 5, window: { calls: 50 }, service: { failureRate: 80 } }),
  )
  const { fields } = breakerOf(before)
  deepEqual(
    [fields['config.open_seconds'], fields['config.window.calls'], fields['config.window.seconds']],
    [5, 50, null],
  )
  equal(fields['config.service.failure_rate'], 80)
  const after = desire(services, both)
  const [change] = diff(applied(before.state), after.state, KEEP).changes
  deepEqual(
    change?.fields.filter((field) => field !== 'tags'),
    [
      'config.open_seconds',
      'config.service.failure_rate',
      'config.window.buckets',
      'config.window.calls',
      'config.window.seconds',
    ],
  )
  equal(change?.entity.fields['config.service.failure_rate'], null)
})

test('what Kong answers to its own configuration is no difference', () => {
  const wanted = breakerOf(desire(services, both))
  const body = bodyFor(wanted)
  // Kong leaves records of which nothing is given null as a whole, and adds fields of its own.
  const config = { ...(body['config'] as Record<string, Record<string, Json>>) }
  const service = { ...config['service'], window: null, slow_call: null, backoff: null, half_open: null }
  const answered = entityFromKong('plugin', {
    ...body,
    config: { ...config, service },
    consumer: null,
    route: null,
    protocols: ['grpc', 'grpcs', 'http', 'https'],
    ordering: null,
    instance_name: null,
    created_at: 1,
    updated_at: 1,
  })
  const { changes, overrides } = diff(stateOf(answered), stateOf(wanted), KEEP)
  deepEqual([changes, overrides], [[], []])
})

test('the mode that somebody sets on the plugin through Kong is kept and reported', () => {
  const { state } = desire(services, both)
  const breaker = breakerOf({ state } as ReturnType<typeof desire>)
  const edited = edit(applied(state), breaker, { 'config.mode': 'forced_open' })
  const { overrides, changes } = diff(edited, state, KEEP)
  deepEqual(
    overrides.map(({ field, wanted, actual }) => [field, wanted, actual]),
    [['config.mode', 'auto', 'forced_open']],
  )
  deepEqual(
    changes.map(({ entity, fields }) => [keyOf(entity), fields]),
    [[keyOf(breaker), ['tags']]],
  )
})
