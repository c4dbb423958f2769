/** What was decided about one service and what it was decided from: decided anew only when that changes. */

import { isSameJson } from './canonical-json.ts'
import type { Instance } from './catalog.ts'
import type { Losses } from './claims.ts'
import type { Entity, HeldState, Json } from './entity.ts'
import type { ForeignRoute } from './foreign-routes.ts'
import { entityId, targetId, upstreamName } from './names.ts'
import { type PlanOptions, planService, type ServicePlan } from './service-plan.ts'
import { planRoutes, type ServiceRoutes } from './service-routes.ts'
import type { AcceptedSettings, ServiceSettings } from './settings.ts'
import { appliedOf, hashOf, isManaged, overriddenOf } from './tags.ts'
import type { InstanceReport } from './targets.ts'

export interface ServiceReport {
  readonly service: string
  readonly exposed: boolean
  readonly exposureReason: string
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
  readonly strategy: string
  readonly keptAtLastWeights: boolean
  readonly instances: readonly InstanceReport[]
}

/** The part that does not depend on other services. */
export interface Planned {
  readonly instances: readonly Instance[]
  readonly effective: ServiceSettings
  /** Weights in Kong that the plan was made of; empty unless every instance was critical. */
  readonly lastWeights: ReadonlyMap<string, number | null>
  readonly held: HeldWeights
  readonly plan: ServicePlan
}

export interface Decided extends Planned {
  readonly losses: Losses | undefined
  readonly foreign: readonly ForeignRoute[]
  /** Which contested routes Kong had already. */
  readonly present: readonly boolean[]
  readonly routes: ServiceRoutes
  readonly report: ServiceReport
}

/** Weights that critical instances of one service keep, by `host:port`. The same map while nothing changes. */
export type HeldWeights = ReadonlyMap<string, number>

const NONE_HELD: HeldWeights = new Map()

export interface DecidedFrom {
  readonly settings: AcceptedSettings
  readonly actual: HeldState
  readonly heldWeights?: ReadonlyMap<string, HeldWeights>
}

/**
 * True where nothing that the plan was made of has changed; of thousands of services most are told apart by this alone.
 * The settings are compared by the caller, once for all.
 */
export function isStillPlanned(
  name: string,
  instances: readonly Instance[] | undefined,
  heldWeights: ReadonlyMap<string, HeldWeights> | undefined,
  before: Planned,
): boolean {
  // What the last weights in Kong are has to be looked up.
  if (before.instances !== instances || before.lastWeights.size > 0) return false
  return before.held === (heldWeights?.get(name) ?? NONE_HELD)
}

export function decideService(
  name: string,
  instances: readonly Instance[],
  { settings, actual, heldWeights }: DecidedFrom,
  options: PlanOptions,
  before: Planned | undefined,
): Planned {
  const effective = settings.forService(name, instances)
  const weightInKong = (target: string): number | null => {
    const id = targetId(options.mesh, upstreamName(name), target)
    return lastWeight(actual.get(`target/${id}`))
  }
  const held = heldWeights?.get(name) ?? NONE_HELD
  if (before?.instances === instances && before.effective === effective && before.held === held) {
    const isSame =
      before.lastWeights.size === 0 ||
      [...before.lastWeights].every(([target, weight]) => weightInKong(target) === weight)
    if (isSame) return before
  }
  const lastWeights = new Map<string, number | null>()
  const planned = weightsOf(before?.plan.entities)
  const plan = planService(
    name,
    instances,
    effective,
    options,
    {
      last: (target) => {
        const weight = weightInKong(target)
        lastWeights.set(target, weight)
        // A Kong that lost its data gets back what it had.
        return weight ?? planned.get(target) ?? null
      },
      wasRoutable: () =>
        before === undefined
          ? hasTraffic(actual, entityId(options.mesh, 'upstream', upstreamName(name)))
          : [...planned.values()].some((weight) => weight > 0),
      held,
    },
    before?.plan,
  )
  const wishes = before?.plan.wishes
  const isSameWish =
    wishes !== undefined && isSameJson(wishes as unknown as Json, plan.wishes as unknown as Json)
  return { instances, effective, lastWeights, held, plan: isSameWish ? { ...plan, wishes } : plan }
}

function weightsOf(entities: ServicePlan['entities'] = []): ReadonlyMap<string, number> {
  const targets = entities.filter(([, { kind }]) => kind === 'target')
  return new Map(targets.map(([, { name, fields }]) => [name, Number(fields.weight)]))
}

function hasTraffic(actual: HeldState, upstream: string): boolean {
  for (const { kind, parent, fields } of actual.values()) {
    if (kind === 'target' && parent === upstream && fields.weight !== 0) return true
  }
  return false
}

/** The weight we gave a target; null where a person has set another, which must not pass for ours. */
function lastWeight(target: Entity | undefined): number | null {
  const weight = target?.fields.weight
  if (target === undefined || typeof weight !== 'number') return null
  const applied = appliedOf(target.tags)
  const isOurs = applied === null ? isManaged(target) : applied.get('weight') === hashOf(weight)
  return isOurs && !overriddenOf(target.tags).has('weight') ? weight : null
}

export function routeService(
  planned: Planned,
  mesh: string,
  losses: Losses | undefined,
  foreign: readonly ForeignRoute[],
  actual: HeldState,
  before: Decided | undefined,
): Decided {
  const isSameRoutes =
    before !== undefined &&
    before.plan.wishes === planned.plan.wishes &&
    before.effective === planned.effective &&
    before.losses === losses &&
    before.foreign === foreign &&
    before.routes.contested.every((key, index) => actual.has(key) === before.present[index])
  if (isSameRoutes && before.plan === planned.plan) return before
  const routes = isSameRoutes ? before.routes : planRoutes(planned.plan, mesh, losses, foreign, actual)
  return {
    instances: planned.instances,
    effective: planned.effective,
    lastWeights: planned.lastWeights,
    held: planned.held,
    plan: planned.plan,
    losses,
    foreign,
    present: routes.contested.map((key) => actual.has(key)),
    routes,
    report: reportOf(planned.plan, routes),
  }
}

function reportOf(plan: ServicePlan, routes: ServiceRoutes): ServiceReport {
  const isRouted = routes.entities.length > 0
  const hasLostAll = plan.exposure.exposed && !isRouted
  return {
    service: plan.service,
    exposed: plan.exposure.exposed && isRouted,
    exposureReason: hasLostAll
      ? 'no route is left: see its problems and routing in KV'
      : plan.exposure.reason,
    hosts: routes.hosts,
    paths: routes.paths,
    strategy: plan.effective.settings.loadBalancing.strategy,
    keptAtLastWeights: plan.keptAtLastWeights,
    instances: plan.instances,
  }
}
