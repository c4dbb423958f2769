import type { Change, Diff } from '../../core/diff.ts'
import { type Entity, type Json, type KongState, keyOf } from '../../core/entity.ts'
import type { ExplainedRoute } from '../../core/explain-request.ts'
import {
  compareRoutes,
  type ForeignRoute,
  foreignRouteOf,
  type Matcher,
  unmanagedRoutes,
} from '../../core/foreign-routes.ts'

import { routeName, takerOf } from './taker.ts'

/** One host or path, or both where a route asks for both, that is reached otherwise than before. */
export interface ReachChange {
  /** `stays`: a route that is not kongsul's goes before the new one, also then. */
  readonly action: 'opens' | 'moves' | 'closes' | 'stays'
  /** `host web.mesh`, `path /web/`, `host a.test path /x GET`. */
  readonly what: string
  /** Consul service that serves it then; of what closes, that served it. */
  readonly service: string
  /** Who serves such requests now: `service api`, or `route by-hand`, which is nobody's of ours. '' for nobody. */
  readonly from: string
}

/** Paths that no request of a few tries can show the owner of. */
const isRegex = (path: string): boolean => path.startsWith('~')

/**
 * Every host and path of which a change of Kong's routes changes the owner. Pure.
 * @param actual all that Kong holds, routes of others too
 */
export function reachChanges(actual: KongState, changes: Diff['changes']): readonly ReachChange[] {
  const routes = changes.filter(({ entity }) => entity.kind === 'route')
  const before = labelsOf(routes, ({ before: entity }) => entity)
  const after = labelsOf(routes, ({ action, entity }) => (action === 'delete' ? null : entity))
  const then = changed(actual, routes)
  const kong = { entities: [...actual.values()], foreign: unmanagedRoutes(actual).flatMap(foreignOf) }
  const added = [...after].flatMap(([what, { service, matcher }]): ReachChange[] => {
    const held = before.get(what)?.service
    if (held === service) return []
    const first = held === undefined ? goesBefore(matcher, kong.entities, then) : null
    if (first !== null) return [{ action: 'stays', what, service, from: `route ${first}` }]
    const from = held === undefined ? ownersNow(matcher, kong) : `service ${held}`
    return [{ action: from === '' ? 'opens' : 'moves', what, service, from }]
  })
  const gone = [...before].flatMap(([what, { service }]): ReachChange[] =>
    after.has(what) ? [] : [{ action: 'closes', what, service, from: `service ${service}` }],
  )
  return [...added, ...gone].sort((left, right) => (placeOf(left) < placeOf(right) ? -1 : 1))
}

interface Label {
  readonly service: string
  readonly matcher: Matcher
}

function labelsOf(
  routes: readonly Change[],
  pick: (change: Change) => Entity | null,
): ReadonlyMap<string, Label> {
  return new Map(
    routes.flatMap((change) => {
      const entity = pick(change)
      const whole = entity === null ? null : foreignRouteOf(entity)
      if (whole === null) return []
      return splitUp(whole).map((matcher) => [
        labelOf(matcher, entity!),
        { service: change.service, matcher },
      ])
    }),
  )
}

/** One for each host with each path. */
function splitUp(whole: Matcher): readonly Matcher[] {
  const hosts = whole.hosts.length === 0 ? [[]] : whole.hosts.map((host) => [host])
  const paths = whole.paths.length === 0 ? [[]] : whole.paths.map((path) => [path])
  return hosts.flatMap((host) => paths.map((path) => ({ ...whole, hosts: host, paths: path })))
}

function labelOf({ hosts: [host], paths: [path], methods }: Matcher, { fields }: Entity): string {
  const headers = Object.entries((fields.headers ?? {}) as Readonly<Record<string, Json>>)
  const parts = [
    host === undefined ? [] : [`host ${host}`],
    path === undefined ? [] : [`path ${path}`],
    methods.length === 0 ? [] : [[...methods].sort().join(' ')],
    headers.map(([name, value]) => `header ${name}: ${JSON.stringify(value)}`),
  ]
  return parts.flat().join(' ') || 'everything'
}

interface KongNow {
  readonly entities: readonly Entity[]
  readonly foreign: readonly ForeignRoute[]
}

/** Who takes such a request now, and whose routes would lose a part of theirs. */
function ownersNow(matcher: Matcher, { entities, foreign }: KongNow): string {
  const taken = foreign.filter((route) => compareRoutes(matcher, route).takes).map(({ label }) => label)
  const owners = new Set(taken.map((label) => `route ${label}`))
  const route = exampleTaker(matcher, entities)
  if (route !== null)
    owners.add(route.service === '' ? `route ${routeName(route)}` : `service ${route.service}`)
  return [...owners].sort().join(', ')
}

/** The route of somebody else that serves such a request now and goes on with it; null where there is none. */
function goesBefore(matcher: Matcher, now: readonly Entity[], then: readonly Entity[]): string | null {
  const route = exampleTaker(matcher, now)
  if (route === null || route.managed || exampleTaker(matcher, then)?.id !== route.id) return null
  return routeName(route)
}

/** Of one request that the matcher asks for; null also where none can be made up. */
function exampleTaker(matcher: Matcher, entities: readonly Entity[]): ExplainedRoute | null {
  const [path = '/'] = matcher.paths
  if (isRegex(path) || matcher.headerCount > 0) return null
  const host = (matcher.hosts[0] ?? 'localhost').replaceAll('*', 'x')
  const [method = 'GET'] = matcher.methods
  return takerOf({ method, host, path }, entities)
}

function changed(actual: KongState, changes: readonly Change[]): readonly Entity[] {
  const then = new Map(actual)
  for (const { action, entity } of changes) {
    if (action === 'delete') then.delete(keyOf(entity))
    else then.set(keyOf(entity), entity)
  }
  return [...then.values()]
}

const foreignOf = (entity: Entity): ForeignRoute[] => {
  const route = foreignRouteOf(entity)
  return route === null ? [] : [route]
}

const RANK = { moves: 0, opens: 1, closes: 2, stays: 3 } as const
const placeOf = ({ action, what, service }: ReachChange): string => `${RANK[action]} ${service} ${what}`
