import type { SchemaField } from '../server/form/plugin-module.ts'

export const MODES = ['auto', 'metrics_only', 'forced_open', 'forced_closed', 'disabled'] as const
export type Mode = (typeof MODES)[number]

const count: Readonly<Record<string, unknown>> = { type: 'integer', between: [0, 1_000_000] }
const percent = { type: 'number', between: [0, 100] }
const seconds = { type: 'number', between: [0, 86_400] }
const milliseconds = { type: 'number', between: [0, 86_400_000] }
const record = (fields: readonly SchemaField[]) => ({ type: 'record', required: false, fields })

/**
 * Settings of a circuit in snake case. None has a default here: what is left out is the breaker's default, and a window
 * given in seconds must not meet a default in calls.
 */
const circuit: readonly SchemaField[] = [
  { consecutive_failures: count },
  {
    window: record([
      { seconds },
      { buckets: { type: 'integer', between: [1, 1_000] } },
      { calls: { type: 'integer', between: [1, 1_000_000] } },
    ]),
  },
  { minimum_calls: count },
  { failure_rate: percent },
  { slow_call: record([{ threshold_ms: milliseconds }, { rate: percent }]) },
  {
    failure_statuses: {
      type: 'array',
      elements: { type: 'string', match: '^[1-5]%d%d%-?[1-5]?%d?%d?$' },
    },
  },
  { aborted_after_ms: milliseconds },
  { open_seconds: seconds },
  {
    backoff: record([
      { factor: { type: 'number', between: [1, 100] } },
      { max_seconds: seconds },
      { jitter: percent },
    ]),
  },
  {
    half_open: record([
      { trials: { type: 'integer', between: [1, 1_000] } },
      { required_successes: { type: 'integer', between: [1, 1_000] } },
      { limit_seconds: seconds },
    ]),
  },
  { ramp_seconds: seconds },
]

/** The configuration in Kong's schema language. `mode` is the one that people on call change. */
export const schema: readonly SchemaField[] = [
  { mode: { type: 'string', required: true, one_of: MODES, default: 'auto' } },
  ...circuit,
  {
    ejection: record([
      { max_percent: percent },
      { panic_percent: percent },
      { minimum_healthy: count },
      { minimum_gap: percent },
    ]),
  },
  { service: record(circuit) },
  {
    refusal: record([
      { status: { type: 'integer', between: [200, 599] } },
      { body: { type: 'string' } },
      { headers: { type: 'map', keys: { type: 'string' }, values: { type: 'string' } } },
    ]),
  },
]
