import type { SchemaField } from '../server/form/plugin-module.ts'

export const MODES = ['auto', 'metrics_only', 'forced_open', 'forced_closed', 'disabled'] as const
export type Mode = (typeof MODES)[number]

// The limits are those of the breaker's own settings: what it would refuse, Kong refuses when it is written, and says why.
const whole = (from: number, to: number): Readonly<Record<string, unknown>> => ({
  type: 'integer',
  between: [from, to],
})
const percent = { type: 'number', between: [0, 100] }
const seconds = (longest = 86_400) => ({ type: 'number', between: [0.1, longest] })
const milliseconds = whole(0, 2_147_483_646)
const record = (fields: readonly SchemaField[]) => ({ type: 'record', required: false, fields })

/**
 * Settings of a circuit in snake case. None has a default here: what is left out is the breaker's default, and a window
 * given in seconds must not meet a default in calls.
 */
const circuit: readonly SchemaField[] = [
  { consecutive_failures: whole(0, 1_000) },
  {
    window: record([{ seconds: whole(1, 3_600) }, { buckets: whole(1, 100) }, { calls: whole(1, 100_000) }]),
  },
  { minimum_calls: whole(0, 100_000) },
  { failure_rate: percent },
  { slow_call: record([{ threshold_ms: milliseconds }, { rate: percent }]) },
  {
    failure_statuses: {
      type: 'array',
      elements: { type: 'string', match: '^[1-9]%d%d%-?[1-9]?%d?%d?$' },
    },
  },
  { aborted_after_ms: milliseconds },
  { open_seconds: seconds() },
  {
    backoff: record([
      { factor: { type: 'number', between: [1, 100] } },
      { max_seconds: seconds() },
      { jitter: percent },
    ]),
  },
  {
    half_open: record([
      { trials: whole(1, 1_000) },
      { required_successes: whole(1, 1_000) },
      { limit_seconds: seconds(3_600) },
    ]),
  },
  { ramp_seconds: whole(0, 3_600) },
]

/** The configuration in Kong's schema language. `mode` is the one that people on call change. */
export const schema: readonly SchemaField[] = [
  { mode: { type: 'string', required: true, one_of: MODES, default: 'auto' } },
  ...circuit,
  {
    ejection: record([
      { max_percent: percent },
      { panic_percent: percent },
      { minimum_healthy: whole(0, 10_000) },
      { minimum_gap: percent },
    ]),
  },
  { service: record(circuit) },
  {
    refusal: record([
      { status: whole(200, 599) },
      { body: { type: 'string' } },
      { headers: { type: 'map', keys: { type: 'string' }, values: { type: 'string' } } },
    ]),
  },
]
