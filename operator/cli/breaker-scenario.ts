import { z } from 'zod'
import { readSettings } from '../../plugins/breaker/read-settings.ts'
import type { BreakerDocument } from '../../plugins/breaker/settings-shape.ts'
import { lenientObject } from './lenient-object.ts'
import { SimulationInputError } from './simulation-input-error.ts'

const milliseconds = z.number({ error: 'must be a number of milliseconds' })
const id = z.union([z.string(), z.number()], { error: 'must be text or a number' })
const settings = z.record(z.string(), z.unknown(), { error: 'must be an object' })

const TRY_STATUS_ERROR = 'must be a status such as 503, "connect_error" or "timeout"'
const oneTry = lenientObject({
  instance: z.string({ error: 'must be "ip:port"' }),
  status: z.union([z.number(), z.enum(['connect_error', 'timeout'])], { error: TRY_STATUS_ERROR }).nullish(),
  ms: milliseconds.nullish(),
})

const outcome = lenientObject(
  {
    id,
    started_at: milliseconds.nullish(),
    status: z.number({ error: 'must be a status such as 503' }).nullish(),
    source: z
      .enum(['upstream', 'exit', 'client_abort'], { error: 'must be upstream, exit or client_abort' })
      .nullish(),
    duration_ms: milliseconds.nullish(),
    ttfb_ms: milliseconds.nullish(),
    // Kong's log writes an empty list as {}, as Lua has one empty table for both.
    tries: z
      .union([z.array(oneTry), z.strictObject({}).transform((): [] => [])], {
        error: 'must be a list of {instance, status, ms}',
      })
      .nullish(),
    grpc_status: z.number({ error: 'must be a number' }).nullish(),
  },
  'must be an object',
)

const event = z
  .strictObject(
    {
      at: milliseconds,
      access: id.optional(),
      outcome: outcome.optional(),
      set: settings.optional(),
      health: z
        .record(
          z.string(),
          z.enum(['healthy', 'degraded', 'unhealthy', 'absent'], {
            error: 'must be healthy, degraded, unhealthy or absent',
          }),
          { error: 'must be an object of "ip:port" and health' },
        )
        .optional(),
    },
    {
      error: ({ code, keys }) =>
        code === 'unrecognized_keys'
          ? `has unknown ${(keys as string[]).join(', ')}; there are at, access, outcome, set, health`
          : 'must be an object with at',
    },
  )
  .refine((each) => Object.keys(each).length <= 2, {
    error: 'must hold one of access, outcome, set, health',
  })

const scenario = lenientObject(
  {
    config: settings.nullish(),
    instances: z.array(z.string(), { error: 'must be a list of "ip:port"' }).nullish(),
    events: z.array(event, { error: 'must be a list of events' }),
  },
  'must be an object with events',
)

export type ScenarioEvent = z.output<typeof event>
export type ScenarioOutcome = z.output<typeof outcome>

export interface Scenario {
  readonly settings: BreakerDocument
  readonly seed: number
  readonly instances: readonly string[]
  readonly events: readonly ScenarioEvent[]
}

/** @throws SimulationInputError that names the field */
export function readScenario(input: unknown): Scenario {
  const result = scenario.safeParse(input)
  if (!result.success) {
    const { path, message } = deepest(result.error.issues[0]!)
    throw new SimulationInputError(pathText(path), message)
  }
  const { config, instances, events } = result.data
  const { seed = 1, ...own } = config ?? {}
  if (typeof seed !== 'number') throw new SimulationInputError('config.seed', 'must be a number')
  const falling = events.findIndex(({ at }, index) => index > 0 && at < events[index - 1]!.at)
  if (falling > 0) {
    throw new SimulationInputError(`events[${falling}].at`, 'must not be before the event above it')
  }
  return { settings: settingsIn(own, 'config'), seed, instances: instances ?? [], events }
}

/** Settings as they stand in KV below `circuitBreaker`, with or without that key around them. */
export function settingsIn(input: Readonly<Record<string, unknown>>, path: string): BreakerDocument {
  const keys = Object.keys(input)
  const isWrapped = keys.length === 1 && keys[0] === 'circuitBreaker'
  const result = readSettings(isWrapped ? input['circuitBreaker'] : input)
  if (!result.ok) throw new SimulationInputError(path, result.errors.join('; '))
  return result.document
}

/** Of a value that fits none of several forms, the fault inside the form that was meant. */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue
  const inner = issue.errors.flat().sort((left, right) => right.path.length - left.path.length)[0]
  if (inner === undefined || inner.path.length === 0) return issue
  return deepest({ ...inner, path: [...issue.path, ...inner.path] })
}

const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '')
