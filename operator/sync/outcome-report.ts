import type { Change } from '../core/diff.ts'
import { explainChange } from '../core/explain-change.ts'
import { KongError } from '../kong/kong-error.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { ChangeLog } from './change-log.ts'
import type { LagWindow } from './lag-window.ts'
import type { Outcome } from './outcome.ts'
import type { Job } from './service-queue.ts'

export interface ReportOptions {
  readonly log: Logger
  readonly metrics: Metrics
  readonly changes: ChangeLog
  readonly lag: LagWindow
  /** Admin URL in use. */
  readonly node: () => string
  readonly hasSynced: () => boolean
}

/** Changes named in one line of the log; /changes has all of them. */
const MOST_TOLD = 5

/** Tells the log, the metrics and `/changes` what became of each service that was to be applied. */
export class OutcomeReport {
  readonly #options: ReportOptions

  constructor(options: ReportOptions) {
    this.#options = options
  }

  tell(job: Job, outcome: Outcome, tookMs: number): void {
    const { metrics, log } = this.#options
    if (outcome.kind === 'blocked') return
    metrics.reconcile.inc({ outcome: OUTCOME_LABELS[outcome.kind] })
    if (outcome.kind === 'applied') this.#applied(job, outcome.changes, tookMs)
    if (outcome.kind !== 'failed') return
    const reason = outcome.error.message
    log.warn('apply failed', { service: job.service, code: failureCode(outcome.error), reason })
    this.#note(job, outcome.changes, tookMs, reason)
  }

  #note({ service, reasons }: Job, changes: readonly Change[], tookMs: number, error: string | null): void {
    const node = this.#options.node()
    this.#options.changes.add({ service, reasons, changes, tookMs, atMs: Date.now(), error, node })
  }

  #applied(job: Job, changes: readonly Change[], tookMs: number): void {
    const { log, metrics, lag, hasSynced } = this.#options
    const { service, changedAtMs, reasons } = job
    this.#note(job, changes, tookMs, null)
    const lagMs = changedAtMs === null ? null : Date.now() - changedAtMs
    if (lagMs !== null) {
      lag.add(lagMs)
      metrics.syncLag.observe(lagMs / 1000)
    }
    // Of a first sync one line for each of thousands of services would hide the one that matters.
    const at = hasSynced() ? 'info' : 'debug'
    log[at]('applied', {
      service,
      changes: changes.length,
      ms: Math.round(tookMs),
      ...(lagMs === null ? {} : { lagMs: Math.round(lagMs) }),
      ...(reasons.length === 0 ? {} : { why: reasons.slice(0, 5).join(', ') }),
      what: changes.slice(0, MOST_TOLD).map(changeInShort),
    })
  }
}

export const failureCode = (error: Error): string =>
  error instanceof KongError ? error.code : 'APPLY_FAILED'

/** Of what is new or gone the name says enough. */
const changeInShort = (change: Change): string => {
  const { action, entity } = change
  return action === 'create' ? `create ${entity.kind} ${entity.name}` : explainChange(change)
}

const OUTCOME_LABELS = {
  inSync: 'in_sync',
  applied: 'applied',
  dryRun: 'dry_run',
  paused: 'paused',
  failed: 'failed',
  refused: 'refused',
} as const
