/** From conditions to alerts: pending until they have lasted, then firing, then resolved for a while. Time is passed in. */

import type { Condition } from './conditions.ts'

export type AlertState = 'pending' | 'firing' | 'resolved'

export interface Alert extends Omit<Condition, 'forSeconds'> {
  readonly state: AlertState
  /** Epoch ms: since when the condition holds. */
  readonly sinceMs: number
  /** When it began to fire; null while pending. */
  readonly firedMs: number | null
  readonly resolvedMs: number | null
}

/** By id, at most one of each. */
export type Alerts = ReadonlyMap<string, Alert>

export interface AlertChange {
  /** `raised` also when its severity is another. */
  readonly what: 'pending' | 'raised' | 'cleared'
  readonly alert: Alert
  /** The same one, firing, with the severity that it had until now. */
  readonly replaced?: Alert
}

export interface Step {
  readonly alerts: Alerts
  readonly changes: readonly AlertChange[]
}

/** @param resolvedMs how long what is over stays listed */
export function stepAlerts(
  before: Alerts,
  conditions: readonly Condition[],
  nowMs: number,
  resolvedMs: number,
): Step {
  const alerts = new Map<string, Alert>()
  const changes: AlertChange[] = []
  for (const condition of conditions) {
    if (alerts.has(condition.id)) continue
    const known = before.get(condition.id)
    const alert = nextOf(condition, known?.state === 'resolved' ? undefined : known, nowMs)
    alerts.set(condition.id, alert)
    const isOther = known?.severity !== alert.severity
    if (known?.state === alert.state && !isOther) continue
    const what = alert.state === 'firing' ? 'raised' : 'pending'
    const replaced = known?.state === 'firing' && isOther ? { replaced: known } : {}
    changes.push({ what, alert, ...replaced })
  }
  for (const [id, alert] of before) {
    if (alerts.has(id) || alert.state === 'pending') continue
    const over: Alert = alert.state === 'firing' ? { ...alert, state: 'resolved', resolvedMs: nowMs } : alert
    // A clock that was put back ends it as well.
    const age = Math.abs(nowMs - (over.resolvedMs ?? nowMs))
    if (age <= resolvedMs) alerts.set(id, over)
    if (alert.state === 'firing') changes.push({ what: 'cleared', alert: over })
  }
  return { alerts, changes }
}

function nextOf({ forSeconds, ...condition }: Condition, known: Alert | undefined, nowMs: number): Alert {
  const sinceMs = Math.min(known?.sinceMs ?? nowMs, nowMs)
  const hasFired = known?.state === 'firing'
  const isFiring = hasFired || nowMs - sinceMs >= forSeconds * 1_000
  return {
    ...condition,
    state: isFiring ? 'firing' : 'pending',
    sinceMs,
    firedMs: isFiring ? (known?.firedMs ?? nowMs) : null,
    resolvedMs: null,
  }
}
