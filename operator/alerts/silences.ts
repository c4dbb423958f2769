/**
 * Silences in KV: `mesh/silences/<id>`, so that every operator knows them. A silenced alert is listed as such and not
 * sent. Time is passed in.
 */

import type { KvRows } from '../core/settings-status.ts'
import type { Alert } from './alert-state.ts'

export interface Silence {
  readonly id: string
  /** Name of the alert; null: any. */
  readonly alert: string | null
  readonly service: string | null
  readonly severity: string | null
  readonly reason: string
  readonly by: string
  readonly sinceMs: number | null
  readonly untilMs: number
}

const PREFIX = 'mesh/silences/'

export const silenceKey = (id: string): string => `${PREFIX}${id}`

/** Those in force, sorted by id. One without an end, or that names nothing, silences nothing: silence must be meant. */
export function silencesIn(rows: KvRows, nowMs: number): readonly Silence[] {
  return [...rows]
    .filter(([key]) => key.startsWith(PREFIX))
    .flatMap(([key, { text }]) => silenceOf(key.slice(PREFIX.length), text) ?? [])
    .filter(({ untilMs }) => untilMs > nowMs)
    .sort((left, right) => (left.id < right.id ? -1 : 1))
}

/** Keys of silences that are over, or were none. */
export function spentSilences(rows: KvRows, nowMs: number): readonly string[] {
  const inForce = new Set(silencesIn(rows, nowMs).map(({ id }) => silenceKey(id)))
  return [...rows.keys()].filter((key) => key.startsWith(PREFIX) && !inForce.has(key))
}

export function silenceText({ alert, service, severity, reason, by, sinceMs, untilMs }: Silence): string {
  const since = sinceMs === null ? null : new Date(sinceMs).toISOString()
  return JSON.stringify({
    alert,
    service,
    severity,
    reason,
    by,
    since,
    until: new Date(untilMs).toISOString(),
  })
}

/** Ids of the silences that an alert falls under: everything that they name is as they say. */
export function silencedBy(
  { name, service, severity }: Pick<Alert, 'name' | 'service' | 'severity'>,
  silences: readonly Silence[],
): readonly string[] {
  const isNamed = (wanted: string | null, is: string | null) => wanted === null || wanted === is
  return silences
    .filter(
      (each) =>
        isNamed(each.alert, name) && isNamed(each.service, service) && isNamed(each.severity, severity),
    )
    .map(({ id }) => id)
}

function silenceOf(id: string, text: string): Silence | null {
  let value: Readonly<Record<string, unknown>> | null
  try {
    value = JSON.parse(text) as typeof value
  } catch {
    return null // no silence: alerts go on
  }
  if (typeof value !== 'object' || value === null) return null
  const word = (name: string) => (typeof value[name] === 'string' && value[name] !== '' ? value[name] : null)
  const { alert, service, severity } = {
    alert: word('alert'),
    service: word('service'),
    severity: word('severity'),
  }
  const untilMs = Date.parse(word('until') ?? '')
  if (Number.isNaN(untilMs) || (alert === null && service === null && severity === null)) return null
  const sinceMs = Date.parse(word('since') ?? '')
  return {
    ...{ id, alert, service, severity, untilMs },
    reason: word('reason') ?? '',
    by: word('by') ?? '',
    sinceMs: Number.isNaN(sinceMs) ? null : sinceMs,
  }
}
