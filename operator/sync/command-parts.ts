import type { FastifyInstance } from 'fastify'
import { adoptRoute } from '../http/adopt-route.ts'
import { applyRoute } from '../http/apply-route.ts'
import { changesRoute } from '../http/changes-route.ts'
import { explainRoute } from '../http/explain-route.ts'
import { guardRoutes } from '../http/guard-routes.ts'
import { identityRoutes } from '../http/identity-routes.ts'
import { intentionRoutes } from '../http/intention-routes.ts'
import { overrideRoutes } from '../http/override-routes.ts'
import { pauseRoutes } from '../http/pause-routes.ts'
import { planRoute } from '../http/plan-route.ts'
import { applyEverywhere } from './apply-now.ts'
import type { ExplainSources } from './explain.ts'
import type { GuardBook } from './guard-book.ts'
import type { IdentityBook } from './identity-book.ts'
import { intentionsStatus } from './intentions-status.ts'
import type { KongFleet } from './kong-fleet.ts'
import type { PauseBook } from './pause-book.ts'
import { createPlanNow } from './plan-now.ts'

export interface CommandSources {
  readonly fleet: KongFleet
  readonly mesh: string
  readonly guard: GuardBook
  readonly pauses: PauseBook
  readonly identities: IdentityBook
  readonly ejection: ExplainSources['ejection']
  /** Why nothing can be decided; empty when everything is known. */
  readonly notReady: () => readonly string[]
  readonly signal: AbortSignal
}

/** What people ask of the operator and tell it to do: the API behind plan, apply, explain, adopt, overrides, guard, pause. */
export function commandParts(sources: CommandSources): readonly ((app: FastifyInstance) => void)[] {
  const { fleet, mesh, guard, pauses, identities, ejection, notReady, signal } = sources
  const reconciler = fleet.primary
  const { admin } = reconciler.kong
  const services = () => reconciler.desired.services
  return [
    changesRoute(fleet.changes),
    adoptRoute({ admin, reconciler, mesh, signal }),
    applyRoute((service) => applyEverywhere(fleet.all, service, signal)),
    guardRoutes((service, by) => guard.accept(service, by)),
    explainRoute({ nodes: () => fleet.nodesToRead(), services, ejection }),
    overrideRoutes({ reconcilers: () => fleet.all, mesh }, () => reconciler.overrides()),
    planRoute(createPlanNow({ fleet, mesh, notReady })),
    identityRoutes(identities),
    intentionRoutes(() => intentionsStatus(fleet.all)),
    pauseRoutes(pauses, () => services().map(({ service }) => service)),
  ]
}
