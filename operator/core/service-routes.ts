/** The routes one service gets, once it is known what belongs to others. */

import { type Losses, problemsOfLosses, withoutLosses } from './claims.ts'
import { type Entity, type HeldState, keyOf } from './entity.ts'
import { compareRoutes, type ForeignRoute, matcherOf } from './foreign-routes.ts'
import { routeEntity } from './kong-entities.ts'
import type { Problem } from './problem.ts'
import type { RouteWish } from './route-wishes.ts'
import type { ServicePlan } from './service-plan.ts'

export interface ServiceRoutes {
  readonly entities: readonly (readonly [string, Entity])[]
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
  readonly problems: readonly Problem[]
  /** Our routes that a foreign one goes before, by the foreign one's label. */
  readonly shadowed: ReadonlyMap<string, readonly string[]>
  /** Keys of default routes that are there only because Kong had them already, or not there because it had not. */
  readonly contested: readonly string[]
}

/**
 * A default route gives way to a route of somebody else's that serves the same requests, unless it was in Kong before:
 * a catch-all added by hand must not make every service disappear.
 */
export function planRoutes(
  plan: ServicePlan,
  mesh: string,
  losses: Losses | undefined,
  foreign: readonly ForeignRoute[],
  actual: HeldState,
): ServiceRoutes {
  const { service, effective } = plan
  const { settings } = effective
  const { routing } = settings
  const problems = losses === undefined ? [] : problemsOfLosses(service, losses)
  const shadowed = new Map<string, string[]>()
  const contested: string[] = []
  const kept: RouteWish[] = []
  const entities: Entity[] = []
  for (const wish of plan.wishes.flatMap((each) => withoutLosses(each, losses) ?? [])) {
    const entity = routeEntity(mesh, service, settings, wish)
    const victims: string[] = []
    const before: string[] = []
    for (const route of foreign) {
      if (route.id === entity.id) continue // ours, without the tags that somebody's PUT took away
      const { takes, shadows } = compareRoutes(matcherOf(wish), route)
      if (takes) victims.push(route.label)
      if (shadows) before.push(route.label)
    }
    if (wish.origin === 'default' && !routing.takeover && victims.length > 0) {
      contested.push(keyOf(entity))
      if (!actual.has(keyOf(entity))) {
        problems.push(conflict(service, entity.name, wish, victims))
        continue
      }
    }
    for (const label of before) shadowed.set(label, [...(shadowed.get(label) ?? []), entity.name])
    entities.push(entity)
    kept.push(wish)
  }
  return {
    entities: entities.map((entity) => [keyOf(entity), entity]),
    hosts: [...new Set(kept.flatMap(({ hosts }) => hosts))],
    paths: [...new Set(kept.flatMap(({ paths }) => paths))],
    problems,
    shadowed,
    contested,
  }
}

/** One problem for each foreign route that goes before routes of ours, however many these are. */
export function problemsOfShadows(all: Iterable<readonly [string, ServiceRoutes]>): Problem[] {
  const byForeign = new Map<string, { services: Set<string>; routes: string[] }>()
  for (const [service, { shadowed }] of all) {
    for (const [label, routes] of shadowed) {
      const entry = byForeign.get(label) ?? { services: new Set(), routes: [] }
      entry.services.add(service)
      entry.routes.push(...routes)
      byForeign.set(label, entry)
    }
  }
  return [...byForeign].map(([label, { services, routes }]) => {
    const named = routes.slice(0, 3).join(', ')
    const more = routes.length > 3 ? ` and ${routes.length - 3} more` : ''
    return {
      code: 'ROUTE_SHADOWED',
      severity: 'warning',
      service: services.size === 1 ? [...services][0]! : '',
      message: `route ${label} (not managed by kongsul) goes before ${named}${more} for some requests; make it narrower or remove it`,
    }
  })
}

function conflict(service: string, name: string, wish: RouteWish, victims: readonly string[]): Problem {
  const what = [...wish.hosts, ...wish.paths].join(', ')
  return {
    code: 'ROUTE_CONFLICT',
    severity: 'warning',
    service,
    message: `default route ${name} (${what}) is not created: it would take requests that route ${victims.slice(0, 3).join(', ')} (not managed by kongsul) serves; set routing.takeover: true in KV mesh/services/${service} to create it`,
  }
}
