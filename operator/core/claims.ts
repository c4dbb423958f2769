/**
 * Whose is a host or a path that several services want. `<service>.mesh` belongs to the service of exactly that name,
 * as does its own prefix; then what KV grants goes before what a service takes itself; of equals the first by name has
 * it. Losers are told.
 */

import { defaultHost, defaultPath, isDnsLabel } from './names.ts'
import type { Problem } from './problem.ts'
import type { RouteWish } from './route-wishes.ts'

export interface Claimant {
  readonly service: string
  readonly wishes: readonly RouteWish[]
}

/** What one service does not get, by `host web.mesh` or `path /web/`, and who has it. */
export type Losses = ReadonlyMap<string, string>

/**
 * @param claimants services with routes, sorted by name
 * @param catalog every catalog service, with routes or not: a name keeps its host while nobody routes it
 * @returns losses by service; services that lose nothing are left out
 */
export function settleClaims(
  claimants: readonly Claimant[],
  catalog: Iterable<string>,
  hostSuffix: string,
): ReadonlyMap<string, Losses> {
  const owners = new Map<string, string>()
  for (const service of catalog) {
    if (isDnsLabel(service)) owners.set(`host ${defaultHost(service, hostSuffix)}`, service)
  }
  for (const { service, wishes } of claimants) {
    const own = `path ${defaultPath(service)}`
    const isPlain = defaultPath(service) === `/${service}/`
    if (isPlain && wishes.some((wish) => isContested(wish) && wish.paths.includes(defaultPath(service)))) {
      owners.set(own, service)
    }
  }
  const losses = new Map<string, Map<string, string>>()
  for (const isGranted of [true, false]) {
    for (const { service, wishes } of claimants) {
      const equals = wishes.filter(({ origin }) => (origin === 'kv') === isGranted)
      for (const claim of equals.flatMap((wish) => claimsOf(wish, owners))) {
        const owner = owners.get(claim)
        if (owner === undefined) owners.set(claim, service)
        else if (owner !== service) {
          const lost = losses.get(service) ?? new Map<string, string>()
          losses.set(service, lost.set(claim, owner))
        }
      }
    }
  }
  return losses
}

/** A wish without what it lost; null when nothing is left to match. */
export function withoutLosses(wish: RouteWish, losses: Losses | undefined): RouteWish | null {
  if (losses === undefined) return wish
  const hosts = wish.hosts.filter((host) => !losses.has(`host ${host}`))
  const paths = isContested(wish) ? wish.paths.filter((path) => !losses.has(`path ${path}`)) : wish.paths
  const lostAll =
    (wish.hosts.length > 0 && hosts.length === 0) || (wish.paths.length > 0 && paths.length === 0)
  return lostAll ? null : { ...wish, hosts, paths }
}

export function problemsOfLosses(service: string, losses: Losses): Problem[] {
  return [...losses].map(([claim, owner]) => {
    const [what, value] = claim.split(' ') as ['host' | 'path', string]
    return {
      code: what === 'host' ? 'HOST_TAKEN' : 'PATH_TAKEN',
      severity: 'warning',
      service,
      message: `${what} ${value} belongs to ${owner} and is not routed to ${service}; set routing.${what}s in KV mesh/services/${service}`,
    }
  })
}

/** Routes told apart by more than one host list or one path list may share these. */
const isContested = (wish: RouteWish): boolean =>
  wish.methods.length === 0 &&
  Object.keys(wish.headers).length === 0 &&
  (wish.hosts.length === 0 || wish.paths.length === 0)

/** Of a route that is told apart by more, only a host that is reserved for another service counts. */
function claimsOf(wish: RouteWish, owners: ReadonlyMap<string, string>): string[] {
  const hosts = wish.hosts.map((host) => `host ${host}`)
  if (!isContested(wish)) return hosts.filter((claim) => owners.has(claim))
  return [...hosts, ...wish.paths.map((path) => `path ${path}`)]
}
