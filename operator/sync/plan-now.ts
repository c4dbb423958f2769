import type { PlanReport } from '../core/plan-report.ts'
import { RequestError } from '../http/request-error.ts'
import type { KongAdmin } from '../kong/kong-admin.ts'
import { readState } from '../kong/read-state.ts'
import type { Reconciler } from './reconciler.ts'

export interface PlanSources {
  readonly admin: KongAdmin
  readonly reconciler: Reconciler
  readonly mesh: string
  /** Why nothing can be decided; empty when everything is known. */
  readonly notReady: () => readonly string[]
}

/**
 * Plans against Kong as it is now; nothing is written. Who asks while it is read gets the same answer: reading takes a
 * call for each upstream.
 * @throws RequestError 503 before anything was decided; KongError when Kong cannot be read
 */
export function createPlanNow({ admin, reconciler, mesh, notReady }: PlanSources): () => Promise<PlanReport> {
  let current: Promise<PlanReport> | null = null
  const plan = async () => {
    if (!reconciler.hasDecided)
      throw new RequestError(503, `nothing is decided yet: ${notReady().join('; ')}`)
    const actual = await readState(admin, { mesh })
    return reconciler.planFor(actual)
  }
  return () => {
    current ??= plan().finally(() => {
      current = null
    })
    return current
  }
}
