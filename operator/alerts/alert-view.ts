/** Alerts and silences as the API tells of them. */

import { z } from 'zod'
import type { Alert } from './alert-state.ts'
import { ALERT_NAMES, SEVERITIES } from './conditions.ts'
import { runbookPage } from './runbook.ts'
import { type Silence, silencedBy } from './silences.ts'

export const alertShape = z.object({
  id: z.string(),
  name: z.enum(ALERT_NAMES),
  severity: z.enum(SEVERITIES),
  state: z.enum(['pending', 'firing', 'resolved']),
  service_name: z.string().nullable().meta({ description: 'null: the mesh as a whole' }),
  message: z.string(),
  value: z.number().nullable(),
  threshold: z.number().nullable(),
  since: z.iso.datetime().meta({ description: 'since when it is so' }),
  fired_at: z.iso.datetime().nullable(),
  resolved_at: z.iso.datetime().nullable(),
  silenced_by: z.array(z.string()).meta({ description: 'ids of silences; it is listed and not sent' }),
  runbook: z.string().meta({ description: 'page of the runbook: below links.runbook, or in the repository' }),
})
export type AlertView = z.infer<typeof alertShape>

export const silenceShape = z.object({
  id: z.string(),
  alert: z.string().nullable(),
  service: z.string().nullable(),
  severity: z.string().nullable(),
  reason: z.string(),
  by: z.string(),
  since: z.iso.datetime().nullable(),
  until: z.iso.datetime(),
})
export type SilenceView = z.infer<typeof silenceShape>

/** What fires first, critical before warning, then what is pending, then what is over. */
export function viewAlerts(
  alerts: Iterable<Alert>,
  silences: readonly Silence[],
  runbook?: string,
): readonly AlertView[] {
  const rank = ({ state, severity }: Alert) => STATES.indexOf(state) * 2 + SEVERITIES.indexOf(severity)
  return [...alerts]
    .sort((left, right) => rank(left) - rank(right) || (left.id < right.id ? -1 : 1))
    .map((alert) => viewAlert(alert, silences, runbook))
}

/** @param runbook where its pages are; in the repository when not given */
export function viewAlert(alert: Alert, silences: readonly Silence[], runbook?: string): AlertView {
  const { id, name, severity, state, service, message, value, threshold } = alert
  return {
    ...{ id, name, severity, state, service_name: service, message, value, threshold },
    since: new Date(alert.sinceMs).toISOString(),
    fired_at: iso(alert.firedMs),
    resolved_at: iso(alert.resolvedMs),
    silenced_by: [...silencedBy(alert, silences)],
    runbook: runbookPage(name, runbook),
  }
}

export function viewSilence({ sinceMs, untilMs, ...silence }: Silence): SilenceView {
  return { ...silence, since: iso(sinceMs), until: new Date(untilMs).toISOString() }
}

const STATES: readonly Alert['state'][] = ['firing', 'pending', 'resolved']

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())
