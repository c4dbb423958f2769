// What Consul's documentation says becomes of one request, read off the raw entries step by step: slow, and written
// apart from operator/core/policy. https://developer.hashicorp.com/consul/docs/manage-traffic/discovery-chain
// biome-ignore-all lint/suspicious/noExplicitAny: raw entries are looked into as they are

export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

export interface Raw {
  readonly routers: Readonly<Record<string, any>>
  readonly splitters: Readonly<Record<string, any>>
  readonly resolvers: Readonly<Record<string, any>>
}

export interface World {
  /** Services with instances. */
  readonly services: ReadonlySet<string>
  /** Can anybody of it serve? */
  readonly isLive: (service: string, subset: string) => boolean
}

/** Parts of the requests by `service` or `subset.service`; they add up to 1. Empty: nobody can serve. */
export type Spread = ReadonlyMap<string, number>

export interface Interpreted {
  readonly spread: Spread
  readonly path: string
  readonly isRewritten: boolean
}

/** null: no entry says where requests go, and nobody of that name is there. */
export function interpret(raw: Raw, world: World, service: string, asked: Asked): Interpreted | null {
  for (const route of raw.routers[service]?.Routes ?? []) {
    const http = route.Match?.HTTP ?? {}
    // kongsul's own rule: Kong cannot look at them, the route is left out.
    if ((http.QueryParam ?? []).length > 0) continue
    if (!matches(http, asked)) continue
    const wish = route.Destination ?? {}
    const spread = spreadOf(raw, world, wish.Service || service, wish.ServiceSubset || '')
    // kongsul's own rule: a route that leads nowhere takes no requests from those after it.
    if (spread === null) continue
    return {
      spread: normal(spread),
      path: rewritten(asked.path, http, wish.PrefixRewrite ?? ''),
      isRewritten: Boolean(wish.PrefixRewrite),
    }
  }
  const spread = spreadOf(raw, world, service, '')
  if (spread === null && !world.services.has(service)) return null
  // kongsul's own rule: entries that lead nowhere leave a service that is there as it would be without them.
  const rest = spread ?? new Map([[service, 1]])
  return { spread: normal(rest), path: asked.path, isRewritten: false }
}

function matches(http: any, { method, path, headers }: Asked): boolean {
  const fold = (text: string) => (http.CaseInsensitive ? text.toLowerCase() : text)
  if (http.PathExact && fold(path) !== fold(http.PathExact)) return false
  if (http.PathPrefix && !fold(path).startsWith(fold(http.PathPrefix))) return false
  if (http.PathRegex && !new RegExp(`^(?:${http.PathRegex})$`, http.CaseInsensitive ? 'i' : '').test(path))
    return false
  if ((http.Methods ?? []).length > 0 && !http.Methods.includes(method)) return false
  return (http.Header ?? []).every((header: any) => {
    const value = headers[header.Name.toLowerCase()]
    if (value === undefined) return false
    if (header.Exact) return value === header.Exact
    if (header.Prefix) return value.startsWith(header.Prefix)
    if (header.Suffix) return value.endsWith(header.Suffix)
    if (header.Regex) return new RegExp(`^(?:${header.Regex})$`).test(value)
    return header.Present === true
  })
}

/** As Kong joins paths: one slash between the new prefix and the rest; where no rest is left, without one. */
function rewritten(path: string, http: any, rewrite: string): string {
  const prefix = http.PathExact || http.PathPrefix
  if (rewrite === '' || !prefix) return path
  const rest = path.slice(prefix.length).replace(/^\//, '')
  const base = rewrite.replace(/\/$/, '')
  if (rest === '') return base
  return `${base}/${rest}`
}

/** Who cannot serve keeps the part until all parts are known. null: nothing is there. */
function spreadOf(raw: Raw, world: World, service: string, subset: string): Map<string, number> | null {
  const splits = subset === '' ? raw.splitters[service]?.Splits : undefined
  if (splits !== undefined) {
    const sum = new Map<string, number>()
    let total = 0
    for (const split of splits) {
      const name = split.Service || service
      const inner =
        name !== service && !split.ServiceSubset
          ? spreadOf(raw, world, name, '')
          : resolved(raw, world, name, split.ServiceSubset || '')
      if (inner === null || split.Weight === 0) continue
      total += split.Weight
      const whole = [...inner.values()].reduce((all, part) => all + part, 0)
      for (const [leg, part] of inner) {
        sum.set(leg, (sum.get(leg) ?? 0) + (part / whole) * split.Weight)
      }
    }
    if (total > 0) return sum
  }
  return resolved(raw, world, service, subset)
}

function resolved(raw: Raw, world: World, service: string, subset: string): Map<string, number> | null {
  const target = follow(raw, world, service, subset)
  if (target === null) return null
  const tiers = [target, ...failovers(raw, world, target)].filter(([name]) => world.services.has(name))
  if (tiers.length === 0) return null
  const live = tiers.find(([name, part]) => world.isLive(name, part))
  const [name, part] = live ?? tiers[0]!
  const leg = part === '' ? name : `${part}.${name}`
  return new Map([[live === undefined ? `${DEAD}${leg}` : leg, 1]])
}

/** Before the name of one that nobody can serve. */
const DEAD = '!'

function normal(spread: ReadonlyMap<string, number>): Spread {
  const live = [...spread].filter(([leg, part]) => part > 0 && !leg.startsWith(DEAD))
  const total = live.reduce((sum, [, part]) => sum + part, 0)
  return new Map(live.map(([leg, part]) => [leg, part / total]))
}

type Target = readonly [service: string, subset: string]

/** @param been where redirects came from: in Consul an entry that leads back there is refused, so nothing says what then */
function follow(
  raw: Raw,
  world: World,
  service: string,
  subset: string,
  been: readonly string[] = [],
): Target | null {
  const resolver = raw.resolvers[service]
  if (resolver === undefined) return subset === '' ? [service, ''] : null
  const to = resolver.Redirect
  if (to !== undefined) {
    const name = to.Service || service
    const next: Target = [name, to.ServiceSubset || (name === service ? subset : '')]
    const here = [...been, `${service}/${subset}`]
    // kongsul's own rules: a redirect that leads to nothing, or back, is as if it were not there.
    const isThere =
      raw.resolvers[name]?.Redirect !== undefined ||
      (world.services.has(name) && (next[1] === '' || hasSubset(raw, next)))
    const end = isThere && !here.includes(next.join('/')) ? follow(raw, world, ...next, here) : null
    if (end !== null) return end
  }
  if (subset !== '') return hasSubset(raw, [service, subset]) ? [service, subset] : null
  return [service, resolver.DefaultSubset || '']
}

function failovers(raw: Raw, world: World, [service, subset]: Target): Target[] {
  const all = raw.resolvers[service]?.Failover ?? {}
  const said = all[subset] ?? all['*']
  if (said === undefined) return []
  return (said.Targets ?? [said]).flatMap((to: any) => {
    const name = to.Service || service
    const next = follow(raw, world, name, to.ServiceSubset || (name === service ? subset : ''))
    return next === null ? [] : [next]
  })
}

const hasSubset = (raw: Raw, [service, subset]: Target): boolean =>
  raw.resolvers[service]?.Subsets?.[subset] !== undefined
