/** Parameters of `POST /configure/*`: flat names for settings, each with where it is in the settings document. */

import { z } from 'zod'
import type { SettingChange } from '../core/edit-document.ts'
import type { Json } from '../core/entity.ts'
import type { Settings } from '../core/settings.ts'
import type { Layer } from '../core/settings-document.ts'
import { schemaAt } from '../core/settings-document.ts'
import { serviceDocument } from '../core/settings-shape.ts'
import { numberFrom, wholeNumber, yesOrNo } from '../core/settings-value.ts'
import { flag } from '../http/read-fields.ts'

export interface Parameter {
  readonly name: string
  readonly path: string
  /** How text of a query becomes a value; `json` comes in a body alone. */
  readonly kind: 'text' | 'number' | 'boolean' | 'list' | 'json'
  readonly schema: z.ZodType
  /** Means something for one service only. */
  readonly ofService?: true
}

const parameter = (
  name: string,
  path: string,
  kind: Parameter['kind'],
  over: Partial<Pick<Parameter, 'schema' | 'ofService'>> = {},
): Parameter => ({ name, path, kind, schema: schemaAt(serviceDocument, path.split('.'))!, ...over })

const ACTIVE = 'healthChecks.active'

export const CONFIGURABLE = {
  'load-balancer': [
    parameter('strategy', 'loadBalancing.strategy', 'text'),
    parameter('hash_on', 'loadBalancing.hashOn', 'text'),
  ],
  'circuit-breaker': [
    parameter('failure_threshold', 'circuitBreaker.consecutiveFailures', 'number', {
      schema: wholeNumber(1, 100),
    }),
    parameter('recovery_timeout', 'circuitBreaker.openSeconds', 'number', { schema: numberFrom(1, 3_600) }),
    parameter('failure_rate', 'circuitBreaker.failureRate', 'number'),
    parameter('minimum_calls', 'circuitBreaker.minimumCalls', 'number'),
    parameter('mode', 'circuitBreaker.mode', 'text'),
  ],
  'health-check': [
    parameter('active', ACTIVE, 'boolean', { schema: yesOrNo() }),
    parameter('type', `${ACTIVE}.type`, 'text'),
    parameter('path', `${ACTIVE}.httpPath`, 'text'),
    parameter('interval_seconds', `${ACTIVE}.intervalSeconds`, 'number'),
    parameter('timeout_seconds', `${ACTIVE}.timeoutSeconds`, 'number'),
    parameter('recover_seconds', 'healthChecks.passive.recoverSeconds', 'number'),
    parameter('when_all_critical', 'health.whenAllCritical', 'text'),
    parameter('degraded', 'degraded', 'text'),
  ],
  'rate-limit': [
    parameter('second', 'rateLimit.second', 'number'),
    parameter('minute', 'rateLimit.minute', 'number'),
    parameter('hour', 'rateLimit.hour', 'number'),
    parameter('day', 'rateLimit.day', 'number'),
    parameter('limit_by', 'rateLimit.limitBy', 'text'),
    parameter('header', 'rateLimit.header', 'text'),
    parameter('path', 'rateLimit.path', 'text'),
    parameter('policy', 'rateLimit.policy', 'text'),
    parameter('hide_headers', 'rateLimit.hideHeaders', 'boolean'),
    parameter('enabled', 'rateLimit.enabled', 'boolean'),
  ],
  tracing: [
    parameter('enabled', 'tracing.enabled', 'boolean'),
    parameter('sampling_rate', 'tracing.samplingRate', 'number'),
    parameter('extract', 'tracing.propagation.extract', 'list'),
    parameter('inject', 'tracing.propagation.inject', 'list'),
    parameter('clear', 'tracing.propagation.clear', 'list'),
    parameter('default_format', 'tracing.propagation.default_format', 'text'),
  ],
  routing: [
    parameter('hosts', 'routing.hosts', 'list'),
    parameter('paths', 'routing.paths', 'list'),
    parameter('routes', 'routing.routes', 'json'),
    parameter('allowed', 'routing.allowed', 'list'),
    parameter('takeover', 'routing.takeover', 'boolean'),
    parameter('expose', 'expose', 'boolean', { ofService: true }),
    parameter('enabled', 'enabled', 'boolean'),
  ],
  faults: [
    parameter('delay_ms', 'faults.delayMs', 'number', { ofService: true }),
    parameter('delay_percent', 'faults.delayPercent', 'number', { ofService: true }),
    parameter('abort_percent', 'faults.abortPercent', 'number', { ofService: true }),
    parameter('abort_status', 'faults.abortStatus', 'number', { ofService: true }),
    parameter('only_paths', 'faults.paths', 'list', { ofService: true }),
    parameter('until', 'faults.until', 'text', { ofService: true }),
  ],
} as const satisfies Record<string, readonly Parameter[]>

export type Configurable = keyof typeof CONFIGURABLE

/** As JSON has it; null takes the setting out. */
export const bodyShape = (parameters: readonly Parameter[]): z.ZodRawShape =>
  Object.fromEntries(parameters.map(({ name, schema }) => [name, schema.nullable().optional()]))

export const queryShape = (parameters: readonly Parameter[]): z.ZodRawShape =>
  Object.fromEntries(
    parameters.flatMap(({ name, kind, schema }) =>
      kind === 'json' ? [] : [[name, FROM_TEXT[kind].pipe(schema as z.ZodType<unknown, unknown>).optional()]],
    ),
  )

const text = z.string('must be given once')
/** What a text of a query stands for, before the setting's own schema looks at it. */
const FROM_TEXT: Readonly<Record<Exclude<Parameter['kind'], 'json'>, z.ZodType>> = {
  text,
  number: text.regex(/^-?\d{1,15}(?:\.\d{1,15})?$/, 'must be a number').transform(Number),
  boolean: flag,
  list: text.transform((told) => (told === 'off' ? told : told.split(',').map((word) => word.trim()))),
}

export type Given = Readonly<Record<string, Json | undefined>>

/** What the given parameters change, where the document says this now. */
export function changesOf(parameters: readonly Parameter[], given: Given, layer: Layer): SettingChange[] {
  const changes = parameters.flatMap(({ name, path }) => {
    const value = given[name]
    return value === undefined ? [] : [{ path, value }]
  })
  const isDetailed =
    [...layer.keys()].some((path) => path.startsWith(`${ACTIVE}.`)) ||
    changes.some(({ path, value }) => path.startsWith(`${ACTIVE}.`) && value !== null)
  // Switched on already by what is said about it.
  return changes.filter(({ path, value }) => !(path === ACTIVE && value === true && isDetailed))
}

/** Values in force under the parameters' names. */
export function effectiveValues(parameters: readonly Parameter[], settings: Settings): Record<string, Json> {
  return Object.fromEntries(
    parameters.map(({ name, path }) => {
      const value = valueAt(settings as unknown as Json, path.split('.'))
      return [name, path === ACTIVE ? value !== null : value]
    }),
  )
}

function valueAt(value: Json | undefined, path: readonly string[]): Json {
  if (path.length === 0) return value ?? null
  if (typeof value !== 'object' || value === null) return null
  return valueAt((value as { readonly [key: string]: Json })[path[0]!], path.slice(1))
}

export interface ConfigureFault {
  readonly field: string
  readonly message: string
}

/** What the settings document's schema says, under the parameters' names. */
export function faultsOf(parameters: readonly Parameter[], errors: readonly string[]): ConfigureFault[] {
  return errors.map((error) => {
    const found = parameters
      .filter(({ path }) => error === path || /^[ [.]/.test(error.slice(path.length)))
      .filter(({ path }) => error.startsWith(path))
      .sort((left, right) => right.path.length - left.path.length)[0]
    if (found === undefined) return { field: 'body', message: error }
    return { field: found.name, message: error.slice(found.path.length).trim() }
  })
}
