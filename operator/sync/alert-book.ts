import { type AcceptedAlerts, ALERTS_KEY, ALERTS_STATUS_KEY, acceptAlerts } from '../alerts/accept-alerts.ts'
import { type AlertSettings, DEFAULT_ALERTS } from '../alerts/alert-settings.ts'
import { type AlertChange, type Alerts, stepAlerts } from '../alerts/alert-state.ts'
import { type AlertView, viewAlert, viewAlerts } from '../alerts/alert-view.ts'
import type { Condition } from '../alerts/conditions.ts'
import { type Silence, silencedBy } from '../alerts/silences.ts'
import type { EventLog } from '../api/event-log.ts'
import type { KvWriter } from '../consul/kv-writer.ts'
import type { KvRows } from '../core/settings-status.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { AlertSender } from './alert-sender.ts'
import { StatusKeeper } from './status-keeper.ts'

export interface AlertBookOptions {
  readonly writer: KvWriter
  readonly log: Logger
  readonly metrics: Metrics
  readonly events: Pick<EventLog, 'add'>
  readonly sender: Pick<AlertSender, 'update'>
  readonly silences: () => readonly Silence[]
  readonly conditions: (settings: AlertSettings) => readonly Condition[]
  /** May this operator tell KV that the thresholds are refused? */
  readonly isActive: () => boolean
  /** Where the pages of the runbook are; in the repository when not given. */
  readonly runbook?: string | undefined
}

/** The alerts as they are, and who is told of them: events, metrics, the log, the webhook. */
export class AlertBook {
  readonly #options: AlertBookOptions
  readonly #statuses: StatusKeeper
  /** null until KV was read. */
  #accepted: AcceptedAlerts | null = null
  #alerts: Alerts = new Map()

  constructor(options: AlertBookOptions) {
    this.#options = options
    this.#statuses = new StatusKeeper({
      ...options,
      keyOf: (document) => (document === ALERTS_KEY ? ALERTS_STATUS_KEY : null),
    })
  }

  list(): readonly AlertView[] {
    return viewAlerts(this.#alerts.values(), this.#options.silences(), this.#options.runbook)
  }

  /** What KV holds now. */
  setRows(rows: KvRows): void {
    const before = this.#accepted
    const accepted = acceptAlerts(before, rows)
    this.#accepted = accepted
    const { refusal } = accepted
    this.#options.metrics.refusedAlerts.set(refusal === null ? 0 : 1)
    const reason = refusal?.errors.join('; ')
    if (reason !== undefined && reason !== before?.refusal?.errors.join('; ')) {
      const what = { code: 'ALERTS_REFUSED', document: ALERTS_KEY, reason }
      this.#options.log.warn('thresholds of alerts are refused: the last good ones stay', what)
    }
    this.#statuses.setRows(rows)
    this.#statuses.setRefused(refusal === null ? new Map() : new Map([[ALERTS_KEY, refusal]]))
  }

  /** Tells KV again what is refused, if this operator may. */
  review(): void {
    this.#statuses.review()
  }

  /** Looks at what is wrong now. */
  look(nowMs: number): void {
    const { conditions, silences, sender, metrics } = this.#options
    const settings = this.#accepted?.settings ?? DEFAULT_ALERTS
    const step = stepAlerts(this.#alerts, conditions(settings), nowMs, settings.resolvedSeconds * 1_000)
    this.#alerts = step.alerts
    const inForce = silences()
    for (const change of step.changes) this.#tell(change, inForce)
    metrics.silences.set(inForce.length)
    metrics.alerts.reset()
    for (const { name, severity, state } of step.alerts.values()) {
      if (state !== 'resolved') metrics.alerts.inc({ name, severity, state })
    }
    const firing = [...step.alerts.values()].filter(
      (alert) => alert.state === 'firing' && silencedBy(alert, inForce).length === 0,
    )
    const over = step.changes
      .flatMap(({ what, alert, replaced }) => (what === 'cleared' ? [alert] : (replaced ?? [])))
      // Each by its own severity: what was told must be told to be over, whatever silences the one that took its place.
      .filter((alert) => silencedBy(alert, inForce).length === 0)
    sender.update(firing, over, nowMs)
  }

  #tell({ what, alert }: AlertChange, silences: readonly Silence[]): void {
    const { events, log, runbook } = this.#options
    const view = viewAlert(alert, silences, runbook)
    const { name, severity, service_name: service, message } = view
    events.add({ kind: 'alert', data: { code: name, ...view, what } })
    if (what === 'pending') return
    const fields = { code: name, severity, service: service ?? undefined, reason: message }
    if (what === 'raised') log.warn('alert', fields)
    else log.info('alert is over', fields)
  }
}
