/**
 * Routes in Kong that are not ours, beside one that we want: which requests would it take from them, which do they keep
 * from it? After Kong's own order (kong/router/transform.lua, get_priority, flavor traditional_compatible).
 */

import type { Entity, Json, KongState } from './entity.ts'
import type { RouteWish } from './route-wishes.ts'
import { isManaged } from './tags.ts'

/** The part of a route that matching looks at. */
export interface Matcher {
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
  readonly methods: readonly string[]
  readonly headerCount: number
  readonly regexPriority: number
  /** Sources, destinations and SNIs count as matched categories and are not looked into. */
  readonly otherCategories: number
}

export interface ForeignRoute extends Matcher {
  readonly id: string
  /** Its name, or its id when it has none. */
  readonly label: string
}

/** An untagged route of http or gRPC traffic; null for one of ours or of a stream. */
export function foreignRouteOf(entity: Entity): ForeignRoute | null {
  const { fields } = entity
  const protocols = textsOf(fields.protocols)
  if (protocols.some((protocol) => STREAM.has(protocol))) return null
  const others = ['sources', 'destinations', 'snis'].filter((field) => sizeOf(fields[field]) > 0)
  return {
    id: entity.id,
    label: entity.name || entity.id,
    hosts: textsOf(fields.hosts).map((host) => host.replace(/:\d+$/, '').toLowerCase()),
    paths: textsOf(fields.paths),
    methods: textsOf(fields.methods),
    headerCount: sizeOf(fields.headers),
    regexPriority: typeof fields.regex_priority === 'number' ? fields.regex_priority : 0,
    otherCategories: others.length,
  }
}

/** Routes that nobody manages, streams among them. */
export function unmanagedRoutes(state: Pick<KongState, 'values'>): readonly Entity[] {
  return [...state.values()].filter(isUnmanagedRoute)
}

export const isUnmanagedRoute = (entity: Entity): boolean =>
  entity.kind === 'route' && entity.owner === '' && !isManaged(entity)

/** All of them, by id; the same list as before when nothing changed, so that what follows from it can be kept. */
export function foreignRoutesOf(
  routes: readonly Entity[],
  before: readonly ForeignRoute[],
): readonly ForeignRoute[] {
  const known = byRoutes.get(routes)
  if (known !== undefined) return known
  const found = routes.flatMap((entity) => remembered(entity) ?? [])
  found.sort((left, right) => (left.id < right.id ? -1 : 1))
  const isSame = found.length === before.length && found.every((route, index) => route === before[index])
  const foreign = isSame ? before : found
  byRoutes.set(routes, foreign)
  return foreign
}

/** Lists and entities never change once made; what they say is read once. */
const byRoutes = new WeakMap<readonly Entity[], readonly ForeignRoute[]>()
const byEntity = new WeakMap<Entity, ForeignRoute | null>()

function remembered(entity: Entity): ForeignRoute | null {
  const known = byEntity.get(entity)
  if (known !== undefined) return known
  const route = foreignRouteOf(entity)
  byEntity.set(entity, route)
  return route
}

export const matcherOf = (wish: RouteWish): Matcher => ({
  hosts: wish.hosts,
  paths: wish.paths,
  methods: wish.methods,
  headerCount: Object.keys(wish.headers).length,
  regexPriority: wish.regexPriority ?? 0,
  otherCategories: 0,
})

/**
 * `takes`: some request that the foreign route serves would come to ours. `shadows`: the foreign route goes first for
 * some request that ours matches.
 *
 * A route of ours for hosts only counts against foreign routes that name such a host: requests for `<service>.mesh`
 * are ours by name, and a catch-all path does not make them somebody else's.
 */
export function compareRoutes(ours: Matcher, foreign: ForeignRoute): { takes: boolean; shadows: boolean } {
  const nothing = { takes: false, shadows: false }
  if (!overlap(ours.methods, foreign.methods, (left, right) => left === right)) return nothing
  if (!overlap(ours.hosts, foreign.hosts, hostsOverlap)) return nothing
  let takes = false
  let shadows = false
  for (const our of branches(ours)) {
    for (const their of branches(foreign)) {
      if (!pathsOverlap(our.path, their.path)) continue
      if (compareRanks(rankOf(foreign, their.path), rankOf(ours, our.path)) > 0) shadows = true
      else takes = true
    }
  }
  const isByName = ours.hosts.length > 0 && foreign.hosts.length === 0
  const isTheirHost = ours.hosts.length === 0 && foreign.hosts.length > 0
  return { takes: takes && !isByName, shadows: shadows && !isTheirHost }
}

const STREAM: ReadonlySet<string> = new Set(['tcp', 'tls', 'udp', 'tls_passthrough'])

/** Kong splits a route by its paths; each has a priority of its own. */
const branches = (matcher: Matcher): { path: string | null }[] =>
  matcher.paths.length === 0 ? [{ path: null }] : matcher.paths.map((path) => ({ path }))

const isRegex = (path: string): boolean => path.startsWith('~')

/** Matched categories, plain hosts, headers, regex, its priority, length of the prefix: compared in this order. */
function rankOf(matcher: Matcher, path: string | null): number[] {
  const categories = [matcher.hosts, matcher.paths, matcher.methods].filter((list) => list.length > 0).length
  const regex = path !== null && isRegex(path)
  return [
    categories + (matcher.headerCount > 0 ? 1 : 0) + matcher.otherCategories,
    matcher.hosts.length > 0 && matcher.hosts.every((host) => !host.includes('*')) ? 1 : 0,
    matcher.headerCount,
    regex ? 1 : 0,
    regex ? matcher.regexPriority : 0,
    path === null || regex ? 0 : path.length,
  ]
}

function compareRanks(left: readonly number[], right: readonly number[]): number {
  for (let index = 0; index < left.length; index += 1) {
    if (left[index] !== right[index]) return left[index]! - right[index]!
  }
  return 0
}

function overlap<T>(left: readonly T[], right: readonly T[], meets: (left: T, right: T) => boolean): boolean {
  if (left.length === 0 || right.length === 0) return true
  return left.some((one) => right.some((other) => meets(one, other)))
}

function hostsOverlap(left: string, right: string): boolean {
  if (left === right) return true
  return wildcardCovers(left, right) || wildcardCovers(right, left)
}

const wildcardCovers = (pattern: string, host: string): boolean =>
  (pattern.startsWith('*') && host.endsWith(pattern.slice(1))) ||
  (pattern.endsWith('*') && host.startsWith(pattern.slice(0, -1)))

/** Of a regular expression only what it begins with is known. */
function pathsOverlap(left: string | null, right: string | null): boolean {
  if (left === null || right === null) return true
  const [one, other] = [literalStart(left), literalStart(right)]
  return one.startsWith(other) || other.startsWith(one)
}

function literalStart(path: string): string {
  if (!isRegex(path)) return path
  if (path.includes('|')) return '/'
  const literal = /^~\^?((?:[A-Za-z0-9/_-]|\\[.\-/_~])*)([?*{])?/.exec(path)!
  const text = literal[1]!.replaceAll('\\', '')
  return literal[2] === undefined ? text : text.slice(0, -1)
}

const textsOf = (value: Json | undefined): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []

function sizeOf(value: Json | undefined): number {
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0
}
