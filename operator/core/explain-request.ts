/** Which route of Kong takes a request, what it beat, and where the request goes from there. Plain data in and out. */

import {
  prepareRequest,
  type RouteEntry,
  type RouteRequest,
} from '../../kong/gateway/router/compile-route.ts'
import { escapePath, normalisePath } from '../../kong/gateway/router/normalise-path.ts'
import { compareEntries } from '../../kong/gateway/router/route-priority.ts'
import type { RouteRow, ServiceRow } from '../../kong/gateway/router/route-row.ts'
import { compileRoutes, isForHttp, Router } from '../../kong/gateway/router/router.ts'
import type { Entity, Json } from './entity.ts'
import { isManaged } from './tags.ts'

export interface ExplainedRequest {
  readonly method: string
  /** `http://web.mesh/x?y`; its host in the case that the client sends, for Kong tells them apart. */
  readonly url: string
  /** By lower-case name; `host` wins over that of the URL. */
  readonly headers: ReadonlyMap<string, readonly string[]>
}

export interface ExplainedRoute {
  readonly id: string
  readonly name: string
  /** Consul service it belongs to; '' for a route that is not kongsul's. */
  readonly service: string
  readonly managed: boolean
  readonly hosts: Json
  readonly paths: Json
  readonly methods: Json
  readonly headers: Json
}

export interface RouteExplanation {
  readonly route: (ExplainedRoute & { readonly upstreamPath: string; readonly note: string | null }) | null
  /** Routes that match as well, in the order in which Kong would have tried them, and why it did not. */
  readonly beat: readonly (ExplainedRoute & { readonly reason: string })[]
  /** The service of the route, as Kong has it. */
  readonly service: Entity | null
  readonly plugins: readonly ExplainedPlugin[]
  /** Where no route takes it: what would be taken; null where nothing like it would. */
  readonly hint: string | null
}

export interface ExplainedPlugin {
  readonly id: string
  readonly name: string
  readonly scope: 'route' | 'service' | 'global'
  readonly managed: boolean
  readonly runs: boolean
  /** Why it does not run; '' when it does. */
  readonly reason: string
}

/** @param entities everything Kong lists: routes, services and plugins, whoever made them */
export function explainRequest(request: ExplainedRequest, entities: readonly Entity[]): RouteExplanation {
  const services = new Map(entities.filter(({ kind }) => kind === 'service').map((each) => [each.id, each]))
  const routes = new Map(entities.filter(({ kind }) => kind === 'route').map((each) => [each.id, each]))
  const serviceOf = (route: RouteRow) => {
    const found = services.get(route.service?.id ?? '')
    return found === undefined ? undefined : (rowOf(found) as unknown as ServiceRow)
  }
  const asked = routeRequest(request)
  const rows = [...routes.values()]
    .map((each) => rowOf(each) as unknown as RouteRow)
    .filter((row) => isForHttp(row) && canCompile(row))
  const router = new Router()
  for (const row of rows) router.set(row, serviceOf(row))
  const match = router.match(asked)
  if (match === null) {
    const hint = hintOf(router, asked) ?? nearMiss(rows, serviceOf, asked)
    return { route: null, beat: [], service: null, plugins: [], hint }
  }
  const winner = routes.get(match.route.id)!
  const service = services.get(match.route.service?.id ?? '') ?? null
  return {
    route: {
      ...explained(winner),
      upstreamPath: escapePath(match.upstreamPath),
      note: noteOf(match.route, asked.scheme),
    },
    beat: beaten(match.entry, rows, serviceOf, asked).map(({ entry, reason }) => ({
      ...explained(routes.get(entry.route.id)!),
      reason,
    })),
    service,
    plugins: pluginsOf(winner, service, entities),
    hint: null,
  }
}

/** Clients send a host as it was typed, and Kong compares it letter by letter. */
function hintOf(router: Router, asked: RouteRequest): string | null {
  const host = asked.host?.toLowerCase().replace(/\.(?=:\d+$|$)/, '')
  if (host === undefined || host === asked.host) return null
  const found = router.match({ ...asked, host })
  return found === null
    ? null
    : `Kong compares hosts letter by letter: ${host} would be taken by ${found.route.name || found.route.id}.`
}

/** The route that takes this host and path, and why it does not take this request: what people switch off or narrow by hand. */
function nearMiss(
  rows: readonly RouteRow[],
  serviceOf: (route: RouteRow) => ServiceRow | undefined,
  asked: RouteRequest,
): string | null {
  const router = new Router()
  // What has none of the two takes every request once its other conditions are gone.
  for (const row of rows.filter(({ hosts, paths }) => (hosts?.length ?? 0) + (paths?.length ?? 0) > 0)) {
    router.set({ ...row, methods: null, headers: null, snis: null }, undefined)
  }
  const id = router.match(asked)?.route.id
  const row = rows.find((each) => each.id === id)
  if (row === undefined) return null
  const service = serviceOf(row)
  const conditions = (['methods', 'headers', 'snis'] as const).flatMap((field) => {
    // Without TLS no client names any, and Kong asks for none.
    const value = field === 'snis' && asked.scheme === 'http' ? null : row[field]
    return value === null || value === undefined || Object.keys(value).length === 0
      ? []
      : [`${field} ${JSON.stringify(value)}`]
  })
  const name = row.name || row.id
  const off = service?.enabled === false ? [`its service ${service.name || service.id} is switched off`] : []
  const asks = conditions.length > 0 ? [`it asks for ${conditions.join(', ')}`] : []
  if (off.length + asks.length === 0) return null
  return `${name} has this host and path and does not take it: ${[...off, ...asks].join('; ')}.`
}

function routeRequest({ method, url, headers }: ExplainedRequest): RouteRequest {
  const parsed = new URL(url)
  const scheme = parsed.protocol === 'https:' ? 'https' : 'http'
  const host = headers.get('host')?.[0] ?? hostAsWritten(url)
  return {
    method,
    path: normalisePath(parsed.pathname),
    host,
    scheme,
    port: scheme === 'https' ? 443 : 80,
    ...(scheme === 'https' ? { sni: parsed.hostname } : {}),
    header: (name) => headers.get(name),
  }
}

/** Host and port of a URL as it is written: the class URL would make it lower case. */
export const hostAsWritten = (url: string): string => /^[^/]*\/\/(?:[^/?#]*@)?([^/?#]*)/.exec(url)?.[1] ?? ''

function canCompile(row: RouteRow): boolean {
  try {
    new Router().set(row, undefined)
    return true
  } catch {
    return false // a regex that Kong would have refused
  }
}

/** Each other route once, by its best matching part. */
function beaten(
  winner: RouteEntry,
  rows: readonly RouteRow[],
  serviceOf: (route: RouteRow) => ServiceRow | undefined,
  asked: RouteRequest,
): readonly { readonly entry: RouteEntry; readonly reason: string }[] {
  const prepared = prepareRequest(asked)
  const matching = compileRoutes(rows, serviceOf)
    .filter((entry) => entry.service?.enabled !== false && entry.test(prepared) !== null)
    .sort(compareEntries)
  const seen = new Set([winner.route.id])
  return matching.flatMap((entry) => {
    if (seen.has(entry.route.id)) return []
    seen.add(entry.route.id)
    return [{ entry, reason: reasonOf(winner, entry) }]
  })
}

/** In Kong's order: plain hosts, regexes, how many kinds of conditions, headers, length of the path, then the id. */
function reasonOf(winner: RouteEntry, loser: RouteEntry): string {
  const [left, right] = [winner.priority, loser.priority]
  if (left.high === right.high && left.low === right.low) {
    return 'the same priority: of two such routes Kong takes the one with the larger id'
  }
  const plain = ({ exactHosts }: RouteEntry) => exactHosts !== null
  if (plain(winner) && !plain(loser)) return 'it has no plain host, and routes with one go first'
  const regex = ({ prefixes, route }: RouteEntry) => prefixes === null && (route.paths?.length ?? 0) > 0
  if (regex(winner) && !regex(loser)) return 'its path is no regex, and regexes go first'
  const [wins, loses] = [kindsOf(winner.route), kindsOf(loser.route)]
  if (wins > loses) return `it has fewer kinds of conditions (${loses} against ${wins})`
  const headers = ({ route }: RouteEntry) => Object.keys(route.headers ?? {}).length
  if (headers(winner) > headers(loser)) return 'it asks for fewer headers'
  const length = ({ prefixes }: RouteEntry) => Math.max(0, ...(prefixes ?? []).map((each) => each.length))
  if (length(winner) > length(loser)) return 'its path is shorter'
  return 'it has a lower priority'
}

function kindsOf(route: RouteRow): number {
  const lists = [route.methods, route.hosts, route.snis, route.paths, route.sources, route.destinations]
  const headers = Object.keys(route.headers ?? {}).length > 0 ? 1 : 0
  return lists.filter((list) => (list?.length ?? 0) > 0).length + headers
}

function noteOf(route: RouteRow, scheme: 'http' | 'https'): string | null {
  if (route.protocols.includes(scheme)) return null
  if (route.protocols.includes('grpc') || route.protocols.includes('grpcs')) return 'for gRPC only'
  return `not for ${scheme}: Kong answers ${route.https_redirect_status_code ?? 426}`
}

/** Of one plugin configured several times the most specific runs (a consumer's own apart, who is not known here). */
function pluginsOf(
  route: Entity,
  service: Entity | null,
  entities: readonly Entity[],
): readonly ExplainedPlugin[] {
  const found = entities.flatMap((entity): { entity: Entity; scope: ExplainedPlugin['scope'] }[] => {
    if (entity.kind !== 'plugin' || entity.fields.consumer) return []
    const of = referenceId(entity.fields.route)
    if (of !== '') return of === route.id ? [{ entity, scope: 'route' }] : []
    if (entity.parent !== '') return entity.parent === service?.id ? [{ entity, scope: 'service' }] : []
    return [{ entity, scope: 'global' }]
  })
  const rank = { route: 0, service: 1, global: 2 }
  const chosen = new Set<string>()
  return found
    .sort(
      (left, right) =>
        rank[left.scope] - rank[right.scope] || (left.entity.name < right.entity.name ? -1 : 1),
    )
    .map(({ entity, scope }) => {
      const { id, name, fields } = entity
      const isOff = fields.enabled === false
      const isBeaten = !isOff && chosen.has(name)
      if (!isOff) chosen.add(name)
      const reason = isOff ? 'switched off' : isBeaten ? 'the same plugin is closer to the request' : ''
      return { id, name, scope, managed: isManaged(entity), runs: reason === '', reason }
    })
}

function referenceId(value: Json | undefined): string {
  if (typeof value !== 'object' || value === null || !('id' in value)) return ''
  return typeof value.id === 'string' ? value.id : ''
}

const rowOf = ({ id, name, fields }: Entity): object => ({ ...fields, id, name })

const explained = (route: Entity): ExplainedRoute => ({
  id: route.id,
  name: route.name,
  service: route.owner,
  managed: isManaged(route),
  hosts: route.fields.hosts ?? null,
  paths: route.fields.paths ?? null,
  methods: route.fields.methods ?? null,
  headers: route.fields.headers ?? null,
})
