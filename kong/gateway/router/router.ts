/**
 * Routing as Kong 3.9's traditional_compatible router does it: which route takes a request, and what is sent on.
 * Pure: rows in, decisions out; may import nothing with I/O. Start at `Router`; the order of routes is in
 * route-priority.ts, what one route asks of a request in compile-route.ts, speed in route-index.ts.
 */
import { compileRoute, prepareRequest, type RouteEntry, type RouteRequest } from './compile-route.ts'
import { fromBytes, toBytes } from './normalise-path.ts'
import { RouteIndex } from './route-index.ts'
import type { RouteRow, ServiceRow } from './route-row.ts'
import { joinUpstreamPath } from './upstream-path.ts'

export interface RouteMatch {
  readonly route: RouteRow
  readonly service: ServiceRow | undefined
  /** The prefix that strip_path takes away; null when nothing is stripped. */
  readonly prefix: string | null
  /** The prefix or regex text that matched; null for a route without paths. */
  readonly matchedPath: string | null
  readonly captures: Readonly<Record<string, string>> | null
  /** Not yet escaped; without query. */
  readonly upstreamPath: string
  /** Which of the route's parts matched, for people who ask why. */
  readonly entry: RouteEntry
}

/** Holds the routes that can match. Routes of disabled services and of stream protocols are left out. */
export class Router {
  readonly #index = new RouteIndex()
  readonly #entries = new Map<string, readonly RouteEntry[]>()

  /** Adds or replaces a route. Throws SyntaxError for a regex that does not compile; the route is then left out. */
  set(route: RouteRow, service: ServiceRow | undefined): void {
    this.delete(route.id)
    if (service?.enabled === false || !isForHttp(route)) return
    const entries = compileRoute(route, service)
    this.#entries.set(route.id, entries)
    for (const entry of entries) this.#index.add(entry)
  }

  delete(routeId: string): void {
    for (const entry of this.#entries.get(routeId) ?? []) this.#index.remove(entry)
    this.#entries.delete(routeId)
  }

  match(request: RouteRequest): RouteMatch | null {
    if (fromBytes(request.path) === undefined) return null
    const found = this.#index.find(prepareRequest(request))
    if (!found) return null
    const { route, service } = found.entry
    const strip = route.strip_path ?? true
    const prefix = strip ? found.match.path : null
    return {
      route,
      service,
      prefix,
      matchedPath: found.match.path,
      captures: found.match.captures,
      upstreamPath: joinUpstreamPath(servicePath(service), request.path, prefix, strip),
      entry: found.entry,
    }
  }
}

/** Every entry in the order in which Kong tries them; the slow twin of the index, and what `explain` prints. */
export function compileRoutes(
  routes: Iterable<RouteRow>,
  serviceOf: (route: RouteRow) => ServiceRow | undefined,
): RouteEntry[] {
  return [...routes].flatMap((route) => [...compileRoute(route, serviceOf(route))])
}

function servicePath(service: ServiceRow | undefined): string | null {
  return service?.path ? toBytes(service.path) : null
}

/** Routes of stream protocols are in another router. */
export const isForHttp = ({ protocols }: RouteRow): boolean => protocols.some(isHttp)

function isHttp(protocol: string): boolean {
  return protocol === 'http' || protocol === 'https' || protocol === 'grpc' || protocol === 'grpcs'
}
