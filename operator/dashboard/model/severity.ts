/** How bad something is, in one word, and why. Worst first. */

import type { ServiceMetrics } from './api-shapes.ts'
import { percent, plural } from './format.ts'

/** `bad` needs somebody now, `warn` soon; `idle` has no traffic to judge by, `unknown` nothing at all. */
export const LEVELS = ['bad', 'warn', 'unknown', 'idle', 'ok'] as const
export type Level = (typeof LEVELS)[number]

export const LEVEL_WORDS: Readonly<Record<Level, string>> = {
  bad: 'Failing',
  warn: 'Degraded',
  unknown: 'No data',
  idle: 'Idle',
  ok: 'Healthy',
}

export interface Verdict {
  readonly level: Level
  /** The reasons for the level, the worst first; one line each. */
  readonly why: readonly string[]
}

export interface Thresholds {
  /** Percent. */
  readonly errorsWarn: number
  readonly errorsBad: number
}

export const THRESHOLDS: Thresholds = { errorsWarn: 1, errorsBad: 10 }

/** Of requests that were made. @param errors percent */
export const levelOfErrors = (errors: number, { errorsWarn, errorsBad }: Thresholds = THRESHOLDS): Level =>
  errors >= errorsBad ? 'bad' : errors >= errorsWarn ? 'warn' : 'ok'

/** Idle is not healthy: what nobody calls is told apart. */
export function judgeService(service: ServiceMetrics, thresholds: Thresholds = THRESHOLDS): Verdict {
  const { instance_count: total, healthy_count: healthy, error_rate: errors, request_rate: rps } = service
  if (total === 0) return { level: 'unknown', why: ['no instance is registered'] }
  const found: [Level, string][] = []
  if (healthy === 0)
    found.push([
      'bad',
      total === 1 ? 'its only instance is unhealthy' : `none of ${total} instances is healthy`,
    ])
  else if (healthy < total) {
    found.push([healthy / total < 0.5 ? 'bad' : 'warn', `${healthy} of ${total} instances healthy`])
  }
  const failing = rps > 0 ? levelOfErrors(errors, thresholds) : 'ok'
  if (failing !== 'ok') found.push([failing, `${percent(errors)} of requests fail`])
  if (service.circuit_breakers_open > 0) {
    found.push(['warn', `${plural(service.circuit_breakers_open, 'circuit')} open`])
  }
  if (found.length > 0) {
    found.sort(([left], [right]) => LEVELS.indexOf(left) - LEVELS.indexOf(right))
    return { level: found[0]![0], why: found.map(([, why]) => why) }
  }
  return rps > 0 ? { level: 'ok', why: [] } : { level: 'idle', why: ['no request within the last minute'] }
}

/** By its state, as the API names it. */
export const levelOfCanary = (state: string): Level =>
  state === 'rolled_back' ? 'bad' : state === 'paused' || state === 'aborted' ? 'warn' : 'ok'

/** The worst of them; `unknown` of none. */
export const worst = (levels: readonly Level[]): Level =>
  LEVELS.find((level) => levels.includes(level)) ?? 'unknown'

export const compareLevels = (left: Level, right: Level): number => RANKS[left] - RANKS[right]

const RANKS: Readonly<Record<Level, number>> = { bad: 0, warn: 1, unknown: 2, idle: 3, ok: 4 }

/** Of what the API calls a state: instances, circuits, results, severities. */
export const levelOfState = (state: string): Level => STATES[state] ?? 'unknown'

const STATES: Readonly<Record<string, Level>> = {
  healthy: 'ok',
  degraded: 'warn',
  unhealthy: 'bad',
  closed: 'ok',
  half_open: 'warn',
  probing: 'warn',
  open: 'bad',
  ejected: 'bad',
  forced_open: 'bad',
  forced_closed: 'warn',
  critical: 'bad',
  warning: 'warn',
  error: 'bad',
  info: 'idle',
  success: 'ok',
  applied: 'ok',
  failed: 'bad',
  in_sync: 'ok',
  pending: 'warn',
  failing: 'bad',
  paused: 'warn',
}
