import type { RouteView } from '../../operator/core/mesh-view.ts'

/**
 * The route of a service that took a request, from its host and path: one with its host before one without, then the
 * longest path. Null where two would do: a wrong name is worse than none. Expressions (`~`) only Kong evaluates; they
 * are taken where nothing else is left.
 */
export function findRoute(routes: readonly RouteView[], host: string, path: string): RouteView | null {
  if (routes.length === 1) return routes[0]!
  const name = hostName(host)
  let best: RouteView | null = null
  let bestRank = -1
  for (const route of routes) {
    const rank = rankOf(route, name, path)
    if (rank > bestRank) [best, bestRank] = [route, rank]
    else if (rank === bestRank) best = null
  }
  return best
}

/** May the route take such a request? An expression (`~`) may. */
export const isRouteOf = (route: RouteView, host: string, path: string): boolean =>
  rankOf(route, hostName(host), path) >= 0

const hostName = (host: string): string => host.replace(/:\d+$/, '').toLowerCase()

const HOST_RANK = 100_000

/** -1: does not match. */
function rankOf({ hosts, paths }: RouteView, host: string, path: string): number {
  if (hosts.length > 0 && !hosts.some((pattern) => matchesHost(pattern, host))) return -1
  const lengths = paths.map((each) => (each.startsWith('~') ? 0 : path.startsWith(each) ? each.length : -1))
  const longest = paths.length === 0 ? 0 : Math.max(...lengths)
  return longest < 0 ? -1 : (hosts.length > 0 ? HOST_RANK : 0) + longest
}

/** A wildcard stands at the beginning or at the end. https://developer.konghq.com/gateway/entities/route/ */
function matchesHost(given: string, host: string): boolean {
  const pattern = given.toLowerCase()
  if (pattern.startsWith('*.')) return host.endsWith(pattern.slice(1))
  if (pattern.endsWith('.*')) return host.startsWith(pattern.slice(0, -1))
  return pattern === host
}
