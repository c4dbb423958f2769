/** What Kong should hold for what Consul says. The middle of the operator: plain data in, plain data out. */

import { isSameJson } from './canonical-json.ts'
import type { CatalogSnapshot, Instance } from './catalog.ts'
import { type Losses, settleClaims } from './claims.ts'
import type { Entity, Json, KongState } from './entity.ts'
import { type ForeignRoute, foreignRouteOf } from './foreign-routes.ts'
import { targetId, upstreamName } from './names.ts'
import type { Problem } from './problem.ts'
import { type PlanOptions, planService, type ServicePlan } from './service-plan.ts'
import { planRoutes, problemsOfShadows, type ServiceRoutes } from './service-routes.ts'
import type { AcceptedSettings, ServiceSettings } from './settings.ts'
import { isManaged } from './tags.ts'
import type { InstanceReport } from './targets.ts'

export type { InstanceReport } from './targets.ts'

export interface MeshOptions {
  /** Name of the mesh in tags and ids; `default` unless configured. */
  readonly mesh: string
  /** Suffix of the default hosts; `mesh` unless configured. */
  readonly hostSuffix: string
  /** What the process was started with; `expose.default` of `mesh/defaults` wins. */
  readonly exposeDefault?: 'tagged' | 'all'
}

export interface DesiredInput {
  readonly snapshot: CatalogSnapshot
  readonly settings: AcceptedSettings
  readonly options: MeshOptions
  /** What Kong holds: read for routes that are not ours and for the last weights. */
  readonly actual: KongState
}

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

export interface Desired {
  readonly state: KongState
  /** Sorted by name. */
  readonly services: readonly ServiceReport[]
  readonly problems: readonly Problem[]
}

/** Stateless form of `createDesired`. */
export function desired(input: DesiredInput): Desired {
  return createDesired()(input)
}

/**
 * A `desired` that remembers what it decided per service and decides anew only what changed: the same answer, for a
 * mesh of 2,000 services in a few milliseconds. What is unchanged keeps its identity.
 */
export function createDesired(): (input: DesiredInput) => Desired {
  let memory = emptyMemory()
  return (input) => {
    const options = planOptions(input)
    if (!isSameJson(options as unknown as Json, memory.options as unknown as Json)) memory = emptyMemory()
    memory = remember(memory, input, options)
    return memory.answer
  }
}

interface Remembered {
  readonly instances: readonly Instance[]
  readonly effective: ServiceSettings
  /** Last weights the plan was made of; empty unless every instance was critical. */
  readonly lastWeights: ReadonlyMap<string, number | null>
  readonly plan: ServicePlan
  readonly losses: Losses | undefined
  readonly foreign: readonly ForeignRoute[]
  readonly present: readonly boolean[]
  readonly routes: ServiceRoutes
  readonly report: ServiceReport
}

interface Memory {
  readonly options: PlanOptions | null
  readonly services: ReadonlyMap<string, Remembered>
  readonly names: readonly string[]
  readonly losses: ReadonlyMap<string, Losses>
  readonly foreign: readonly ForeignRoute[]
  readonly answer: Desired
}

const emptyMemory = (): Memory => ({
  options: null,
  services: new Map(),
  names: [],
  losses: new Map(),
  foreign: [],
  answer: { state: new Map(), services: [], problems: [] },
})

function planOptions({ settings, options }: DesiredInput): PlanOptions {
  return {
    mesh: options.mesh,
    hostSuffix: options.hostSuffix,
    exposeDefault: settings.mesh.exposeDefault ?? options.exposeDefault ?? 'tagged',
  }
}

function remember(memory: Memory, input: DesiredInput, options: PlanOptions): Memory {
  const { snapshot, actual } = input
  const names = namesOf(snapshot, memory.names)
  const planned = new Map<string, Planned>()
  let isSettled = names === memory.names
  for (const name of names) {
    const before = memory.services.get(name)
    const next = planOne(name, snapshot.services.get(name)!, input, options, before)
    planned.set(name, next)
    if (next.plan.wishes !== before?.plan.wishes) isSettled = false
  }
  const plans = [...planned.values()].map(({ plan }) => plan)
  const losses = isSettled
    ? memory.losses
    : settleClaims(
        plans.filter(({ wishes }) => wishes.length > 0),
        names,
        options.hostSuffix,
      )
  const foreign = foreignRoutes(actual, memory.foreign)
  const services = new Map<string, Remembered>()
  for (const [name, next] of planned) {
    services.set(
      name,
      routeOne(next, options.mesh, losses.get(name), foreign, actual, memory.services.get(name)),
    )
  }
  return { options, services, names, losses, foreign, answer: assemble(services) }
}

type Planned = Pick<Remembered, 'instances' | 'effective' | 'lastWeights' | 'plan'>

function planOne(
  name: string,
  instances: readonly Instance[],
  { settings, actual }: DesiredInput,
  options: PlanOptions,
  before: Remembered | undefined,
): Planned {
  const effective = settings.forService(name, instances)
  const weightInKong = (target: string): number | null => {
    const id = targetId(options.mesh, upstreamName(name), target)
    const weight = actual.get(`target/${id}`)?.fields.weight
    return typeof weight === 'number' ? weight : null
  }
  if (before?.instances === instances && before.effective === effective) {
    const isSame = [...before.lastWeights].every(([target, weight]) => weightInKong(target) === weight)
    if (isSame) return before
  }
  const lastWeights = new Map<string, number | null>()
  const plan = planService(name, instances, effective, options, (target) => {
    const weight = weightInKong(target)
    lastWeights.set(target, weight)
    return weight
  })
  const wishes = before?.plan.wishes
  const isSameWish =
    wishes !== undefined && isSameJson(wishes as unknown as Json, plan.wishes as unknown as Json)
  return { instances, effective, lastWeights, plan: isSameWish ? { ...plan, wishes } : plan }
}

function routeOne(
  planned: Planned,
  mesh: string,
  losses: Losses | undefined,
  foreign: readonly ForeignRoute[],
  actual: KongState,
  before: Remembered | undefined,
): Remembered {
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
    ...planned,
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

/** Names with instances, sorted by code unit; the same array as before when they are the same. */
function namesOf({ services }: CatalogSnapshot, before: readonly string[]): readonly string[] {
  const names: string[] = []
  for (const [name, instances] of services) if (instances.length > 0) names.push(name)
  names.sort()
  return isSameList(names, before) ? before : names
}

function foreignRoutes(actual: KongState, before: readonly ForeignRoute[]): readonly ForeignRoute[] {
  const found: ForeignRoute[] = []
  for (const entity of actual.values()) {
    if (entity.kind !== 'route' || isManaged(entity)) continue
    const route = knownForeign(entity)
    if (route !== null) found.push(route)
  }
  found.sort((left, right) => (left.id < right.id ? -1 : 1))
  return isSameList(found, before) ? before : found
}

function knownForeign(entity: Entity): ForeignRoute | null {
  const known = foreignByEntity.get(entity)
  if (known !== undefined) return known
  const route = foreignRouteOf(entity)
  foreignByEntity.set(entity, route)
  return route
}

/** Entities never change; what a foreign route matches is read once. */
const foreignByEntity = new WeakMap<Entity, ForeignRoute | null>()

const isSameList = (left: readonly unknown[], right: readonly unknown[]): boolean =>
  left.length === right.length && left.every((item, index) => item === right[index])

function assemble(services: ReadonlyMap<string, Remembered>): Desired {
  const state = new Map<string, Entity>()
  const reports: ServiceReport[] = []
  const problems: Problem[] = []
  const shadowed: [string, ServiceRoutes][] = []
  for (const [name, { plan, routes, report }] of services) {
    for (const [key, entity] of plan.entities) state.set(key, entity)
    for (const [key, entity] of routes.entities) state.set(key, entity)
    reports.push(report)
    if (plan.problems.length > 0) problems.push(...plan.problems)
    if (routes.problems.length > 0) problems.push(...routes.problems)
    if (routes.shadowed.size > 0) shadowed.push([name, routes])
  }
  return { state, services: reports, problems: [...problems, ...problemsOfShadows(shadowed)] }
}
