import { joinPlans, type PlanReport } from '../core/plan-report.ts'
import { RequestError } from '../http/request-error.ts'
import { readState } from '../kong/read-state.ts'
import type { KongFleet } from './kong-fleet.ts'

export interface PlanSources {
  readonly fleet: KongFleet
  readonly mesh: string
  /** Why nothing can be decided; empty when everything is known. */
  readonly notReady: () => readonly string[]
}

/**
 * Plans against Kong as it is now; nothing is written. Who asks while it is read gets the same answer: reading takes a
 * call for each upstream.
 * @throws RequestError 503 before anything was decided; KongError when Kong cannot be read
 */
export function createPlanNow({ fleet, mesh, notReady }: PlanSources): () => Promise<PlanReport> {
  let current: Promise<PlanReport> | null = null
  const plan = async () => {
    const up = fleet.all.filter(({ connection, hasDecided }) => connection.isUp && hasDecided)
    const asked = up.length > 0 ? up : [fleet.primary]
    if (!asked[0]!.hasDecided) throw new RequestError(503, `nothing is decided yet: ${notReady().join('; ')}`)
    const plans = asked.map(async (each) => each.planFor(await readState(each.kong.admin, { mesh })))
    return joinPlans(await Promise.all(plans))
  }
  return () => {
    current ??= plan().finally(() => {
      current = null
    })
    return current
  }
}
