import type { AccessReport } from '../core/intentions/access-report.ts'
import type { Reconciler } from './reconciler.ts'

export interface IntentionsStatus {
  /** Requests that do not pass the gateway are never seen. */
  readonly enforced_at: 'gateway'
  /** What holds where no intention matches, by Consul; null while that is not known. */
  readonly default: 'allow' | 'deny' | null
  /** false while Consul has not said which intentions there are. */
  readonly known: boolean
  /** Services that do not let everybody in, or of which that is not known. Sorted. */
  readonly services: readonly ({ readonly service: string } & AccessReport)[]
}

/** What is told of intentions by the API, `status` and `doctor`. */
export function intentionsStatus({
  desired,
  snapshot,
}: Pick<Reconciler, 'desired' | 'snapshot'>): IntentionsStatus {
  const intentions = snapshot?.policies?.intentions
  return {
    enforced_at: 'gateway',
    default: intentions?.byDefault ?? null,
    known: intentions?.accepted != null,
    services: [...(desired.access ?? [])]
      .map(([service, report]) => ({ service, ...report }))
      .sort((left, right) => (left.service < right.service ? -1 : 1)),
  }
}
