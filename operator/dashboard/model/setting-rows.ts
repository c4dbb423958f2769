/** Settings as a table has them, and what of them can be changed here. */

import type { Configuration } from './change-shapes.ts'

export interface SettingRow {
  readonly path: string
  readonly value: unknown
  /** The layer that says so. */
  readonly source: string
  /** Somebody said so; it is not built in. */
  readonly isSet: boolean
}

/** Those that somebody set first. @param service null for the values of a service that says nothing itself */
export function settingRows(configuration: Configuration, service: string | null): readonly SettingRow[] {
  const { defaults, defaults_sources: sources, services } = configuration
  const own = service === null ? undefined : services[service]
  const told =
    own === undefined
      ? Object.entries(defaults).map(([path, value]) => ({
          path,
          value,
          source: sources[path] ?? 'built-in',
        }))
      : Object.entries(own).map(([path, each]) => ({ path, ...each }))
  const rows = told.map((row) => ({ ...row, isSet: row.source !== 'built-in' }))
  return rows.sort(
    (left, right) => Number(right.isSet) - Number(left.isSet) || (left.path < right.path ? -1 : 1),
  )
}

export interface EditableField {
  /** Of `POST /configure/{what}`. */
  readonly name: string
  readonly label: string
  /** In the settings document. */
  readonly path: string
  readonly kind: 'choice' | 'number' | 'switch' | 'text'
  readonly choices?: readonly string[]
  readonly least?: number
  readonly most?: number
  readonly step?: number
  readonly hint: string
}

export interface EditableGroup {
  readonly what: string
  readonly title: string
  readonly fields: readonly EditableField[]
}

const STRATEGIES = ['round_robin', 'weighted', 'least_connections', 'ip_hash', 'random']
const MODES = ['auto', 'metrics_only', 'forced_open', 'forced_closed', 'disabled']

export const EDITABLE: readonly EditableGroup[] = [
  {
    what: 'load-balancer',
    title: 'Load balancing',
    fields: [
      {
        name: 'strategy',
        label: 'Strategy',
        path: 'loadBalancing.strategy',
        kind: 'choice',
        choices: STRATEGIES,
        hint: 'how an instance is chosen for each request',
      },
      {
        name: 'hash_on',
        label: 'Hash on',
        path: 'loadBalancing.hashOn',
        kind: 'text',
        hint: 'for ip_hash: header:x-user, cookie:session or path; empty for the address of the client',
      },
    ],
  },
  {
    what: 'circuit-breaker',
    title: 'Circuit breaker',
    fields: [
      {
        name: 'mode',
        label: 'Mode',
        path: 'circuitBreaker.mode',
        kind: 'choice',
        choices: MODES,
        hint: 'forced_open refuses every request at once',
      },
      {
        name: 'failure_threshold',
        label: 'Failures in a row',
        path: 'circuitBreaker.consecutiveFailures',
        kind: 'number',
        least: 1,
        most: 100,
        hint: 'after so many an instance is taken out',
      },
      {
        name: 'failure_rate',
        label: 'Failing, percent',
        path: 'circuitBreaker.failureRate',
        kind: 'number',
        least: 1,
        most: 100,
        hint: 'of the calls within the window',
      },
      {
        name: 'minimum_calls',
        label: 'Calls at least',
        path: 'circuitBreaker.minimumCalls',
        kind: 'number',
        least: 1,
        most: 100_000,
        hint: 'below that the rate says nothing',
      },
      {
        name: 'recovery_timeout',
        label: 'Open for, seconds',
        path: 'circuitBreaker.openSeconds',
        kind: 'number',
        least: 1,
        most: 3_600,
        hint: 'then a few requests decide',
      },
    ],
  },
  {
    what: 'health-check',
    title: 'Health',
    fields: [
      {
        name: 'when_all_critical',
        label: 'When all are critical',
        path: 'health.whenAllCritical',
        kind: 'choice',
        choices: ['keep', 'fail'],
        hint: 'keep the last weights, or answer 503',
      },
      {
        name: 'degraded',
        label: 'Degraded instances',
        path: 'degraded',
        kind: 'choice',
        choices: ['fallback', 'weighted'],
        hint: 'only as a last resort, or with the weight of a warning',
      },
    ],
  },
  {
    what: 'tracing',
    title: 'Tracing',
    fields: [
      {
        name: 'enabled',
        label: 'Traces',
        path: 'tracing.enabled',
        kind: 'switch',
        hint: 'headers are continued',
      },
      {
        name: 'sampling_rate',
        label: 'Part that is recorded',
        path: 'tracing.samplingRate',
        kind: 'number',
        least: 0,
        most: 1,
        step: 0.01,
        hint: 'of new traces, 0 to 1',
      },
    ],
  },
]

/** What was changed of a form: what is to be sent, by the name of the parameter; null takes a value out. */
export function changedFields(
  fields: readonly EditableField[],
  before: (path: string) => unknown,
  form: Readonly<Record<string, string>>,
): Readonly<Record<string, string | number | boolean | null>> {
  const changed: Record<string, string | number | boolean | null> = {}
  for (const { name, path, kind } of fields) {
    const text = form[name]
    if (text === undefined) continue
    const value = settingOf(kind, text.trim())
    const was = before(path) ?? null
    if (value !== was) changed[name] = value
  }
  return changed
}

function settingOf(kind: EditableField['kind'], text: string): string | number | boolean | null {
  if (text === '') return null
  if (kind === 'switch') return text === 'true'
  // What is no number is sent as it is: the API says what is wrong with it.
  if (kind === 'number') return Number.isNaN(Number(text)) ? text : Number(text)
  return text
}
