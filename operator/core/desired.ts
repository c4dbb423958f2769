/** What Kong should hold for what Consul says. The middle of the operator: plain data in, plain data out. */

import { isSameJson } from './canonical-json.ts'
import type { CatalogSnapshot } from './catalog.ts'
import type { Certificates } from './certificates/certificate-entities.ts'
import { joinCertificates, NO_CERTIFICATES } from './certificates/join-certificates.ts'
import { mixedTargets } from './certificates/mixed-targets.ts'
import { settleClaims } from './claims.ts'
import {
  type Decided,
  decideService,
  type HeldWeights,
  isStillPlanned,
  type Planned,
  routeService,
} from './decided.ts'
import { answerOf, type Desired } from './desired-answer.ts'
import type { Entity, HeldState, Json } from './entity.ts'
import { type ForeignRoute, foreignRoutesOf, unmanagedRoutes } from './foreign-routes.ts'
import { type AccessInput, type Callers, joinAccess, NO_ACCESS } from './intentions/join-access.ts'
import type { SharedRedis } from './plugin-settings/plugin-configs.ts'
import { withEntrySettings } from './policy/entry-settings.ts'
import { NOTHING_SHAPED, type ShapeMemory, shapeMesh } from './policy/shape-mesh.ts'
import type { PlanOptions, ServicePlan } from './service-plan.ts'
import { type MeshPlugin, type OutcomeWay, wantedPlugins } from './service-plugins.ts'
import type { AcceptedSettings } from './settings.ts'

export type { ServiceReport } from './decided.ts'
export type { Desired } from './desired-answer.ts'
export type { InstanceReport } from './targets.ts'

export interface MeshOptions {
  /** Name of the mesh in tags and ids; `default` unless configured. */
  readonly mesh: string
  /** Suffix of the default hosts; `mesh` unless configured. */
  readonly hostSuffix: string
  /** What the process was started with; `expose.default` of `mesh/defaults` wins. */
  readonly exposeDefault?: 'tagged' | 'all'
  /** Plugins of kongsul that this Kong has loaded; none unless said. */
  readonly plugins?: readonly MeshPlugin[]
  /** Redis of the process, for limits that all nodes of Kong count together. */
  readonly redis?: SharedRedis | undefined
  /** Decides whether services get mesh-observer; `access_log` unless said. */
  readonly outcomes?: OutcomeWay | undefined
}

export interface DesiredInput {
  readonly snapshot: CatalogSnapshot
  readonly settings: AcceptedSettings
  readonly options: MeshOptions
  /** What Kong holds: read for routes that are not ours and for the last weights. */
  readonly actual: HeldState
  /** Routes of `actual` that nobody manages, where they are known; the same list while they are the same. */
  readonly foreign?: readonly Entity[]
  /** Who calls, by what KV says; absent: not read, then those that Kong knows stay. */
  readonly callers?: Callers | undefined
  /** Certificates for hosts of one's own; absent: not read, then those that Kong has of ours stay. */
  readonly certificates?: Certificates | undefined
  /** What critical instances weigh although others serve, by service: too many turned critical at once. */
  readonly heldWeights?: ReadonlyMap<string, HeldWeights>
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
  let memory = EMPTY
  let access = NO_ACCESS
  let certificates = NO_CERTIFICATES
  return (input) => {
    const options = planOptions(input)
    if (!isSameJson(options as unknown as Json, memory.options as unknown as Json)) memory = EMPTY
    memory = decideAll(memory, input, options)
    const admitted = joinAccess(memory.answer, accessInput(input, memory), access)
    access = admitted.memory
    const joined = joinCertificates(
      admitted.answer,
      options.mesh,
      input.certificates,
      input.actual,
      certificates,
    )
    certificates = joined.memory
    const isVerified = memory.decided.some(({ effective }) => effective.settings.tls.verify)
    const mixed = isVerified ? mixedTargets(memory.answer.groups) : []
    return mixed.length === 0
      ? joined.answer
      : { ...joined.answer, problems: [...joined.answer.problems, ...mixed] }
  }
}

function accessInput({ snapshot, callers, actual, options }: DesiredInput, memory: Memory): AccessInput {
  const plans = new Map(memory.decided.map(({ plan }) => [plan.service, plan]))
  const planOf = (service: string): ServicePlan | undefined => plans.get(service)
  return {
    mesh: options.mesh,
    intentions: snapshot.policies?.intentions,
    callers,
    actual,
    settingsOf: (service) => planOf(service)?.effective,
    answeringOf: (service) => planOf(service)?.answering,
  }
}

const namesOf = ({ ready, kept, authorities = [], keptAuthorities = [] }: Certificates) => ({
  certificates: [...ready.map(({ name }) => name), ...kept].sort(),
  authorities: [...authorities.map(({ name }) => name), ...keptAuthorities].sort(),
})

/** What the last call decided. Lists of the same length as `names`, in its order. */
interface Memory {
  readonly options: PlanOptions | null
  /** With those of configuration entries. */
  readonly settings: AcceptedSettings | null
  /** Names of the snapshot in its own order, to see cheaply that none came or went. */
  readonly keys: readonly string[]
  /** What was planned before configuration entries were looked at: services with instances, sorted. */
  readonly base: { readonly names: readonly string[]; readonly planned: readonly Planned[] }
  readonly shape: ShapeMemory
  readonly names: readonly string[]
  readonly decided: readonly Decided[]
  readonly losses: ReturnType<typeof settleClaims>
  readonly foreign: readonly ForeignRoute[]
  readonly answer: Desired
}

const EMPTY: Memory = {
  options: null,
  settings: null,
  keys: [],
  base: { names: [], planned: [] },
  shape: NOTHING_SHAPED,
  names: [],
  decided: [],
  losses: new Map(),
  foreign: [],
  answer: { state: new Map(), groups: new Map(), services: [], problems: [] },
}

function planOptions({ settings, options, certificates }: DesiredInput): PlanOptions {
  return {
    mesh: options.mesh,
    hostSuffix: options.hostSuffix,
    exposeDefault: settings.mesh.exposeDefault ?? options.exposeDefault ?? 'tagged',
    plugins: wantedPlugins(options.outcomes).filter((name) => options.plugins?.includes(name)),
    redis: options.redis ?? null,
    ...(certificates === undefined ? {} : { tlsNames: namesOf(certificates) }),
  }
}

function decideAll(memory: Memory, input: DesiredInput, options: PlanOptions): Memory {
  const { snapshot, actual, heldWeights } = input
  const { policies } = snapshot
  const settings =
    policies === undefined ? input.settings : withEntrySettings(input.settings, policies.entries)
  const keys = keysOf(snapshot, memory.keys)
  const baseNames = keys === memory.keys ? memory.base.names : [...keys].sort()
  const basesBefore = alignedTo(baseNames, memory.base.names, memory.base.planned)
  const from = { ...input, settings }
  const isSameSettings = settings === memory.settings
  const bases = baseNames.map((name, index) => {
    const before = basesBefore[index]
    const instances = snapshot.services.get(name)!
    const isStill =
      isSameSettings && before !== undefined && isStillPlanned(name, instances, heldWeights, before)
    return isStill ? before : decideService(name, instances, from, options, before)
  })
  const { names, planned, shape } = shaped(baseNames, bases, input, settings, options, memory)
  const before = alignedTo(names, memory.names, memory.decided)
  const isSettled =
    names === memory.names && planned.every((next, index) => next.plan.wishes === before[index]?.plan.wishes)
  const losses = isSettled ? memory.losses : settleClaims(claimants(planned), names, options.hostSuffix)
  const foreign = foreignRoutesOf(input.foreign ?? unmanagedRoutes(actual), memory.foreign)
  const decided = planned.map((next, index) =>
    routeService(next, options.mesh, losses.get(names[index]!), foreign, actual, before[index]),
  )
  const problems = policies?.problems ?? []
  return {
    options,
    settings,
    keys,
    base: { names: baseNames, planned: bases },
    shape,
    names,
    decided,
    losses,
    foreign,
    answer: answerOf(decided, before, names === memory.names ? memory.answer : null, problems),
  }
}

function shaped(
  names: readonly string[],
  bases: readonly Planned[],
  { snapshot: { policies } }: DesiredInput,
  settings: AcceptedSettings,
  options: PlanOptions,
  memory: Memory,
): { names: readonly string[]; planned: readonly Planned[]; shape: ShapeMemory } {
  if (policies === undefined) return { names, planned: bases, shape: NOTHING_SHAPED }
  const mesh = shapeMesh(names, bases, policies, settings, options, memory.shape)
  return { names: mesh.names, planned: mesh.planned, shape: mesh.memory }
}

/** Services that have instances, in the snapshot's order; the same list as before when they are the same. */
function keysOf({ services }: CatalogSnapshot, before: readonly string[]): readonly string[] {
  const keys: string[] = []
  for (const [name, instances] of services) if (instances.length > 0) keys.push(name)
  return keys.length === before.length && keys.every((key, index) => key === before[index]) ? before : keys
}

/** What was known by name, in the order of other names; the same list where these are the same. */
function alignedTo<T>(
  names: readonly string[],
  namesBefore: readonly string[],
  before: readonly T[],
): readonly (T | undefined)[] {
  if (names === namesBefore) return before
  const byName = new Map(namesBefore.map((name, index) => [name, before[index]!]))
  return names.map((name) => byName.get(name))
}

const claimants = (planned: readonly Pick<Decided, 'plan'>[]) =>
  planned.map(({ plan }) => plan).filter(({ wishes }) => wishes.length > 0)
