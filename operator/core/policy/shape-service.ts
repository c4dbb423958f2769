/** One service with its chain: what its plan becomes in Kong. */

import type { Planned } from '../decided.ts'
import { type Entity, keyOf } from '../entity.ts'
import { kongServiceEntity, upstreamEntities } from '../kong-entities.ts'
import { serviceName, upstreamName } from '../names.ts'
import { combineTraffic } from '../plugin-settings/combine-settings.ts'
import { NO_ROUTE_HEADERS, type RouteHeaders } from '../plugin-settings/plugin-configs.ts'
import { trafficPlugins } from '../plugin-settings/traffic-plugins.ts'
import type { TrafficSettings } from '../plugin-settings/traffic-settings.ts'
import type { Problem } from '../problem.ts'
import type { RouteWish } from '../route-wishes.ts'
import type { PlanOptions } from '../service-plan.ts'
import { policyPluginEntities } from '../service-plugins.ts'
import type { Settings } from '../settings-defaults.ts'
import { hashOf } from '../tags.ts'
import type { Chain, ChainRoute, Destination, Tell } from './compile-chain.ts'
import type { ConfigEntries } from './config-entries.ts'
import { type Bases, isSplit, labelOf, servicesOf, settingsOf, upstreamOf } from './destinations.ts'
import { routeHeadersOf } from './header-change.ts'
import { type WishedRoute, wishedRoutes } from './policy-wishes.ts'
import { targetText } from './resolve-target.ts'
import type { SubsetMembers } from './subset-members.ts'
import { destinationWeights, failoverWeights } from './upstream-weights.ts'

export interface ShapeInput {
  readonly base: Planned
  /** null: no entry is about requests for this service; others lead to its subsets. */
  readonly chain: Chain | null
  /** Subsets of this service that some route leads to alone. */
  readonly subsets: readonly Destination[]
  readonly bases: Bases
  readonly entries: ConfigEntries
  readonly members: SubsetMembers
  readonly options: PlanOptions
}

/** The plan with the entities and wishes that its chain asks for. */
export function shapeService(input: ShapeInput): Planned {
  const { base, chain, bases, entries, members, options } = input
  const { plan } = base
  const { mesh } = options
  const problems: Problem[] = [...(chain?.problems ?? [])]
  const tell: Tell = (code, severity, message) => {
    const isTold = problems.some((problem) => problem.message === message)
    if (!isTold) problems.push({ code, severity, service: plan.service, message })
  }
  const entities = new Map(plan.entities)
  const add = (...all: readonly Entity[]): void => {
    for (const entity of all) entities.set(keyOf(entity), entity)
  }
  const own = failoverWeights(plan.service, { bases, entries, members }, tell)
  if (own !== null && plan.entities.length > 0) {
    add(
      ...upstreamEntities(
        mesh,
        plan.service,
        upstreamName(plan.service),
        base.effective.settings,
        own.weights,
      ),
    )
  }
  const splits = (chain?.routes ?? []).map(({ destination }) => destination).filter(isSplit)
  const split = splits.find(({ service }) => service === plan.service)
  for (const destination of [...input.subsets, ...(split === undefined ? [] : [split])]) {
    const settings = settingsOf(destination, bases)
    if (settings === null) continue
    const weights = destinationWeights(destination, settings, { bases, entries, members }, tell)
    if (weights.size === 0) {
      const who = targetText(destination.legs[0]!.target)
      tell('SUBSET_EMPTY', 'warning', `${who} has no instance: requests that are led there are answered 503`)
    }
    add(...upstreamEntities(mesh, plan.service, upstreamOf(destination), settings, weights))
  }
  const answering = new Map<string, readonly string[]>()
  const wishes: RouteWish[] = []
  if (chain !== null) {
    const rest = chain.routes.find(({ index }) => index === null)
    const specs = new Map<string, KongServiceSpec>()
    const usual = rest === undefined ? null : specOf(input, rest, null, tell)
    if (usual !== null) {
      add(...kongServiceOf(input, { ...usual, name: serviceName(plan.service) }))
      answering.set(serviceName(plan.service), usual.answering)
    }
    for (const wish of plan.wishes) {
      for (const wished of wishedRoutes(wish, chain, tell)) {
        const spec = specOf(input, wished.route, wished, tell)
        if (spec === null) continue
        const isUsual = usual !== null && isSameSpec(spec, usual)
        if (!isUsual) specs.set(spec.name, spec)
        wishes.push(isUsual ? wished.wish : { ...wished.wish, kongService: spec.name })
      }
      if (usual !== null || plan.entities.length > 0) wishes.push(wish)
    }
    for (const spec of specs.values()) {
      add(...kongServiceOf(input, spec))
      answering.set(spec.name, spec.answering)
    }
  }
  const isFailedOver = own?.isLive === true && plan.keptAtLastWeights
  return {
    ...base,
    plan: {
      ...plan,
      wishes: chain === null ? plan.wishes : wishes,
      entities: [...entities],
      answering,
      keptAtLastWeights: plan.keptAtLastWeights && !isFailedOver,
      problems: [
        ...plan.problems.filter(({ code }) => !(isFailedOver && code === 'ALL_CRITICAL')),
        ...problems,
      ],
    },
  }
}

interface KongServiceSpec {
  readonly name: string
  readonly host: string
  readonly answering: readonly string[]
  readonly settings: Settings
  readonly servicePath: string | null
  /** null: the route changes no headers. */
  readonly headers: RouteHeaders | null
}

/** @param wished null for what is left over by all routes */
function specOf(
  { base, bases }: ShapeInput,
  route: ChainRoute,
  wished: WishedRoute | null,
  tell: Tell,
): KongServiceSpec | null {
  const settings = settingsOf(route.destination, bases)
  if (settings === null) return null
  const where = `service-router ${base.plan.service}: Routes[${route.index}].Destination`
  const own = withWish(settings, route, where, tell)
  const asked = routeHeadersOf(route.wish, wished?.takesPathGroup ?? false, where, tell)
  const headers = Object.values(asked).some((each) => each !== null) ? asked : null
  const servicePath = wished?.servicePath ?? null
  const label = labelOf(route.destination)
  const more = { timeouts: own.timeouts, retries: own.retries, servicePath, headers }
  const usual = { timeouts: settings.timeouts, retries: settings.retries, servicePath: null, headers: null }
  const hash = hashOf(more as never)
  const isPlain = hash === hashOf(usual as never)
  const name = `${serviceName(base.plan.service)}.${label}${isPlain ? '' : `._${hash}`}`
  const traffic = trafficTo(base.effective.settings, route.destination, bases, (what) =>
    tell('TRAFFIC_SETTING_LEFT_OUT', 'warning', `${base.plan.service}: ${what} (${label})`),
  )
  return {
    name,
    host: upstreamOf(route.destination),
    answering: servicesOf(route.destination.legs),
    settings: { ...own, ...traffic },
    servicePath,
    headers,
  }
}

/** Limits and access rules of everybody who may answer hold, whatever name a request came by. */
function trafficTo(
  entry: Settings,
  { service, legs }: Destination,
  bases: Bases,
  tell: (what: string) => void,
): TrafficSettings {
  const names = new Set([service, ...servicesOf(legs)])
  const answering = [...names].flatMap((name) => bases.get(name)?.effective.settings ?? [])
  return answering.reduce<TrafficSettings>((known, each) => combineTraffic(known, each, tell), entry)
}

function withWish(settings: Settings, { wish }: ChainRoute, where: string, tell: Tell): Settings {
  const { RequestTimeout, IdleTimeout, NumRetries, RetryOn, RetryOnStatusCodes } = wish
  if (IdleTimeout) tell('ENTRY_UNSUPPORTED', 'warning', `${where}.IdleTimeout has no effect: Kong has none`)
  if ((RetryOnStatusCodes ?? []).length > 0) {
    const what = `${where}.RetryOnStatusCodes has no effect: Kong never retries what was answered`
    tell('ENTRY_UNSUPPORTED', 'warning', what)
  }
  const others = (RetryOn ?? []).filter((each) => each !== 'connect-failure')
  if (others.length > 0) {
    const what = `${where}.RetryOn has ${others.join(', ')}, which Kong does not retry on; it retries refused connections`
    tell('ENTRY_UNSUPPORTED', 'warning', what)
  }
  const timeouts = RequestTimeout
    ? { ...settings.timeouts, readMs: RequestTimeout, writeMs: RequestTimeout }
    : settings.timeouts
  return { ...settings, timeouts, retries: NumRetries || settings.retries }
}

const isSameSpec = (one: KongServiceSpec, other: KongServiceSpec): boolean => one.name === other.name

function kongServiceOf({ base, options }: ShapeInput, spec: KongServiceSpec): Entity[] {
  const { mesh, plugins, redis } = options
  const { service } = base.plan
  const { name, host, settings, servicePath, headers } = spec
  const isOwn = name === serviceName(service)
  const enabled = base.effective.settings.enabled
  return [
    kongServiceEntity(
      mesh,
      service,
      name,
      { ...settings, enabled },
      {
        host,
        ...(isOwn ? {} : { path: servicePath }),
      },
    ),
    // The service's own plugins are in its plan already.
    ...(isOwn && base.plan.entities.length > 0
      ? []
      : policyPluginEntities(mesh, service, name, settings, plugins)),
    // Over those of the plan: what requests are led to has a say as well.
    ...trafficPlugins(mesh, service, name, settings, redis, headers ?? NO_ROUTE_HEADERS),
  ]
}
