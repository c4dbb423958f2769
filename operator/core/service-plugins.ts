/** The plugins of kongsul on one Kong service. */

import type { CircuitRules } from '../../plugins/breaker/settings-defaults.ts'
import type { Entity, Json } from './entity.ts'
import { entityId, pluginId, policyPluginId, serviceName } from './names.ts'
import type { Settings } from './settings-defaults.ts'
import { compact, withOwn } from './shared.ts'
import { ownTags } from './tags.ts'

/** Plugins of kongsul, in the order in which Kong runs them. */
export const MESH_PLUGINS = ['mesh-tracing', 'mesh-circuit-breaker', 'mesh-observer'] as const
export type MeshPlugin = (typeof MESH_PLUGINS)[number]

/** How plugin processes learn what became of requests: by Kong's access log, or by mesh-observer in the log phase. */
export const OUTCOME_WAYS = ['access_log', 'observer'] as const
export type OutcomeWay = (typeof OUTCOME_WAYS)[number]

/** The plugins that services are to have. mesh-observer costs Kong ten times what the access log does. */
export function wantedPlugins(outcomes: OutcomeWay = 'access_log'): readonly MeshPlugin[] {
  return outcomes === 'observer' ? MESH_PLUGINS : MESH_PLUGINS.filter((name) => name !== 'mesh-observer')
}

type Fields = Readonly<Record<string, Json>>

/**
 * One plugin entity for each of `available`, what this Kong is to have and has loaded: an entity of a plugin that Kong does not know
 * is refused with 400 (kong/db/schema/entities/plugins.lua), and the service with it.
 */
export function pluginEntities(
  mesh: string,
  service: string,
  settings: Settings,
  available: readonly MeshPlugin[],
): Entity[] {
  const parent = entityId(mesh, 'service', serviceName(service))
  return available.map((name) =>
    pluginEntity(mesh, service, parent, pluginId(mesh, service, name), name, configOf(name, settings)),
  )
}

/** The same on a Kong service that a policy made for the service. */
export function policyPluginEntities(
  mesh: string,
  service: string,
  kongService: string,
  settings: Settings,
  available: readonly MeshPlugin[],
): Entity[] {
  const parent = entityId(mesh, 'service', kongService)
  return available.map((name) => {
    const id = policyPluginId(mesh, kongService, name)
    return pluginEntity(mesh, service, parent, id, name, configOf(name, settings))
  })
}

/** @param parent id of the Kong service it is on */
export function pluginEntity(
  mesh: string,
  service: string,
  parent: string,
  id: string,
  name: string,
  config: Fields,
): Entity {
  const form = remembered(config, () => ({ ...config, enabled: true, service: null }))
  const fields = withOwn(form, [['service', { id: parent }]])
  return { kind: 'plugin', id, name, owner: service, parent, fields, tags: ownTags(mesh, service, fields) }
}

function configOf(name: MeshPlugin, settings: Settings): Fields {
  switch (name) {
    case 'mesh-tracing':
      return remembered(settings.tracing, () => tracingFields(settings.tracing))
    case 'mesh-circuit-breaker':
      return remembered(settings.circuitBreaker, () => breakerFields(settings.circuitBreaker))
    case 'mesh-observer':
      return {}
  }
}

/** Most services have the settings of the mesh, which are one object: its fields are made once. */
const known = new WeakMap<object, Fields>()

function remembered(settings: object, make: () => Fields): Fields {
  const before = known.get(settings)
  if (before !== undefined) return before
  const fields = compact(make())
  known.set(settings, fields)
  return fields
}

function tracingFields({ enabled, samplingRate, propagation }: Settings['tracing']): Fields {
  return {
    'config.enabled': enabled,
    'config.sampling_rate': samplingRate,
    'config.propagation.extract': propagation.extract,
    'config.propagation.inject': propagation.inject,
    'config.propagation.clear': propagation.clear.length === 0 ? null : propagation.clear,
    'config.propagation.default_format': propagation.default_format,
  }
}

function breakerFields(settings: Settings['circuitBreaker']): Fields {
  const { ejection, refusal } = settings
  return {
    'config.mode': settings.mode,
    ...ruleFields('config', settings),
    'config.ramp_seconds': settings.rampSeconds,
    'config.aborted_after_ms': settings.abortedAfterMs,
    'config.ejection.max_percent': ejection.maxPercent,
    'config.ejection.panic_percent': ejection.panicPercent,
    'config.ejection.minimum_healthy': ejection.minimumHealthy,
    'config.ejection.minimum_gap': ejection.minimumGap,
    ...ruleFields('config.service', settings.service),
    'config.refusal.status': refusal.status,
    'config.refusal.body': refusal.body,
    'config.refusal.headers': refusal.headers ?? null,
  }
}

/** Every rule is named: one that Consul no longer gives goes back to null, not to what it was. */
function ruleFields(prefix: string, rules: Partial<CircuitRules>): Fields {
  const window: { seconds?: number; buckets?: number; calls?: number } = rules.window ?? {}
  return {
    [`${prefix}.consecutive_failures`]: rules.consecutiveFailures ?? null,
    [`${prefix}.window.seconds`]: window.seconds ?? null,
    [`${prefix}.window.buckets`]: window.buckets ?? null,
    [`${prefix}.window.calls`]: window.calls ?? null,
    [`${prefix}.minimum_calls`]: rules.minimumCalls ?? null,
    [`${prefix}.failure_rate`]: rules.failureRate ?? null,
    [`${prefix}.slow_call.threshold_ms`]: rules.slowCall?.thresholdMs ?? null,
    [`${prefix}.slow_call.rate`]: rules.slowCall?.rate ?? null,
    [`${prefix}.failure_statuses`]: rules.failureStatuses?.map(String) ?? null,
    [`${prefix}.open_seconds`]: rules.openSeconds ?? null,
    [`${prefix}.backoff.factor`]: rules.backoff?.factor ?? null,
    [`${prefix}.backoff.max_seconds`]: rules.backoff?.maxSeconds ?? null,
    [`${prefix}.backoff.jitter`]: rules.backoff?.jitter ?? null,
    [`${prefix}.half_open.trials`]: rules.halfOpen?.trials ?? null,
    [`${prefix}.half_open.required_successes`]: rules.halfOpen?.requiredSuccesses ?? null,
    [`${prefix}.half_open.limit_seconds`]: rules.halfOpen?.limitSeconds ?? null,
  }
}
