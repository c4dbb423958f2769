/** The hosts and paths a service asks for, before anybody else's wishes are looked at. */

import { defaultHost, defaultPath } from './names.ts'
import type { Problem } from './problem.ts'
import type { ServiceSettings } from './settings.ts'
import type { OwnRoute } from './settings-defaults.ts'

/** What one Kong route shall match; lists that are empty match anything. */
export interface RouteWish {
  /** Last part of the route's name: `host` and `path` are ours, others come from `routing.routes`. */
  readonly name: string
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
  readonly methods: readonly string[]
  readonly headers: Readonly<Record<string, readonly string[]>>
  readonly stripPath: boolean
  readonly preserveHost: boolean
  /** Who asked: nobody (it gives way to routes that are not ours), the service itself, or people by KV. */
  readonly origin: 'default' | 'meta' | 'kv'
  /** Name of the Kong service it leads to, where that is not the service's own. */
  readonly kongService?: string
  /** Set for a regex path whose place among others matters. */
  readonly regexPriority?: number
}

export interface RouteWishes {
  readonly wishes: readonly RouteWish[]
  readonly problems: readonly Problem[]
}

/**
 * A route for the hosts and one for the paths, apart: a Kong route that has both wants both in each request, and hosts
 * cost nothing by their number while paths do. `routing.hosts` and `routing.paths` each replace their default;
 * `routing.routes` replaces both.
 */
export function routeWishes(service: string, effective: ServiceSettings, hostSuffix: string): RouteWishes {
  const { routing, protocol } = effective.settings
  const problems: Problem[] = []
  const isGrpc = protocol === 'grpc' || protocol === 'grpcs'
  const hasOwn = routing.routes.length > 0
  const hosts = grantedHosts(service, effective, hostSuffix, problems)
  const paths = grantedPaths(service, effective, problems)
  // A gRPC method's path is fixed: Kong refuses strip_path for it, so only the host leads to such a service by default.
  const plain = { ...EMPTY, stripPath: !isGrpc }
  const wishes: RouteWish[] = []
  if (hosts !== null && hosts.length > 0) {
    wishes.push({ ...plain, name: 'host', hosts, origin: originOf(effective, 'routing.hosts') })
  }
  if (hosts === null && !hasOwn) {
    wishes.push({ ...plain, name: 'host', hosts: [defaultHost(service, hostSuffix)], origin: 'default' })
  }
  if (paths !== null && paths.length > 0) {
    wishes.push({ ...plain, name: 'path', paths, origin: originOf(effective, 'routing.paths') })
  }
  if (paths === null && !hasOwn && !isGrpc) {
    wishes.push({ ...plain, name: 'path', paths: [defaultPath(service)], origin: 'default' })
  }
  for (const own of routing.routes) wishes.push(wishOf(own, isGrpc))
  return { wishes, problems }
}

const EMPTY = {
  hosts: [],
  paths: [],
  methods: [],
  headers: {},
  preserveHost: false,
}

const originOf = ({ sources }: ServiceSettings, path: string): 'meta' | 'kv' =>
  sources[path] === 'meta' ? 'meta' : 'kv'

function wishOf(own: OwnRoute, isGrpc: boolean): RouteWish {
  return {
    name: own.name,
    hosts: lowered(own.hosts ?? []),
    paths: own.paths ?? [],
    methods: isGrpc ? [] : (own.methods ?? []),
    headers: own.headers ?? {},
    stripPath: isGrpc ? false : (own.stripPath ?? true),
    preserveHost: own.preserveHost ?? false,
    origin: 'kv',
  }
}

/** null: the default. Hosts are matched in lower case only. */
function grantedHosts(
  service: string,
  { settings: { routing }, sources }: ServiceSettings,
  hostSuffix: string,
  problems: Problem[],
): readonly string[] | null {
  if (routing.hosts === null) return null
  if (routing.hosts === 'off') return []
  const hosts = lowered(routing.hosts)
  if (sources['routing.hosts'] !== 'meta') return hosts
  const own = defaultHost(service, hostSuffix)
  const granted = hosts.filter((host) => {
    if (host === own) return true
    if (host.endsWith(`.${hostSuffix}`)) {
      problems.push(
        refused(
          'HOST_RESERVED',
          service,
          `host ${host} of meta mesh-hosts is reserved for the service of that name`,
        ),
      )
      return false
    }
    if (routing.allowed.some((pattern) => hostMatches(pattern, host))) return true
    problems.push(refused('HOST_NOT_ALLOWED', service, notAllowed('host', host, service)))
    return false
  })
  return granted.length > 0 ? granted : null
}

function grantedPaths(
  service: string,
  { settings: { routing }, sources }: ServiceSettings,
  problems: Problem[],
): readonly string[] | null {
  if (routing.paths === null) return null
  if (routing.paths === 'off') return []
  if (sources['routing.paths'] !== 'meta') return [...new Set(routing.paths)]
  const own = defaultPath(service)
  const granted = routing.paths.filter((path) => {
    if (path.startsWith(own) || routing.allowed.some((pattern) => pathMatches(pattern, path))) return true
    problems.push(refused('PATH_NOT_ALLOWED', service, notAllowed('path', path, service)))
    return false
  })
  return granted.length > 0 ? granted : null
}

const lowered = (hosts: readonly string[]): string[] => [...new Set(hosts.map((host) => host.toLowerCase()))]

/** `*` matches everything, `*.x` any host that ends in `.x` however deep, else the host itself. */
export function hostMatches(pattern: string, host: string): boolean {
  const wanted = pattern.toLowerCase()
  if (wanted === '*') return true
  return wanted.startsWith('*.') ? host.endsWith(wanted.slice(1)) : host === wanted
}

/** `/shop` and `/shop/` match the path itself and what lies below; `/shop*` whatever begins so. */
export function pathMatches(pattern: string, path: string): boolean {
  if (pattern === '*') return true
  if (pattern.endsWith('*')) return pattern.startsWith('/') && path.startsWith(pattern.slice(0, -1))
  const folder = pattern.endsWith('/') ? pattern : `${pattern}/`
  return path === pattern || path.startsWith(folder)
}

const refused = (code: string, service: string, message: string): Problem => ({
  code,
  severity: 'warning',
  service,
  message: `${message}; it is not routed`,
})

const notAllowed = (what: string, value: string, service: string): string =>
  `${what} ${value} of meta mesh-${what}s matches nothing in routing.allowed of mesh/defaults (allow it there or set it in KV mesh/services/${service})`
