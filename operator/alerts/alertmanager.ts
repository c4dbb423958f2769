/** Alerts as Alertmanager's API v2 takes them (POST /api/v2/alerts, its openapi.yaml). Pure. */

import type { Alert } from './alert-state.ts'
import { runbookPage } from './runbook.ts'

export interface PostedAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: string
  readonly endsAt: string
  readonly generatorURL: string
}

export interface Posting {
  /** Name of the mesh. */
  readonly mesh: string
  /** Where the operator's API is, for the link. */
  readonly url: string
  readonly nowMs: number
  /** An alert that is not told of again ends by itself after this. */
  readonly lastsMs: number
  /** Where the pages of the runbook are; in the repository when not given. */
  readonly runbook?: string | undefined
}

/** Pending ones are not told. */
export function postedAlerts(
  alerts: readonly Alert[],
  { mesh, url, nowMs, lastsMs, runbook }: Posting,
): readonly PostedAlert[] {
  return alerts.flatMap((alert) => {
    const { name, severity, service, message, firedMs, resolvedMs } = alert
    if (firedMs === null) return []
    return {
      labels: {
        alertname: name,
        severity,
        mesh,
        // What tells two alerts of one name apart, and never changes while one lasts.
        ...(service === null ? {} : { service }),
        ...(alert.id.startsWith('MeshHeld/') ? { cause: alert.id.split('/')[1]! } : {}),
      },
      annotations: {
        summary: message,
        description: described(alert),
        runbook_url: runbookPage(name, runbook),
      },
      startsAt: new Date(firedMs).toISOString(),
      endsAt: new Date(resolvedMs ?? nowMs + lastsMs).toISOString(),
      generatorURL: `${url}/api/v1/mesh/v2/alerts`,
    }
  })
}

function described({ message, value, threshold }: Alert): string {
  return value === null || threshold === null ? message : `${message} (${value}, threshold ${threshold})`
}
