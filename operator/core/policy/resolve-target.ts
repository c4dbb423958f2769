/** From a service and a subset that a route or split names to the one that answers: redirects, default subset, failover. */

import type { Tell } from './compile-chain.ts'
import type { ResolverDocument } from './entry-schema.ts'

export interface TargetName {
  readonly service: string
  /** '' for the service as a whole. */
  readonly subset: string
}

export interface ResolvedTarget extends TargetName {
  /** Who serves while nobody of the target can, the first first. */
  readonly failover: readonly TargetName[]
}

type Resolvers = ReadonlyMap<string, ResolverDocument>

interface Known {
  has(service: string): boolean
}

/** null: neither the target nor a failover of it is there. */
export function resolveTarget(
  asked: TargetName,
  resolvers: Resolvers,
  known: Known,
  where: string,
  tell: Tell,
): ResolvedTarget | null {
  const found = followed(asked, resolvers, known, tell)
  if (found === null) return null
  const failover = failoverOf(found, resolvers, known, tell)
  if (!known.has(found.service) && failover.length === 0) return null
  if (!known.has(found.service)) {
    tell(
      'ENTRY_TARGET_UNKNOWN',
      'warning',
      `${where}: service ${found.service} has no instances; its failover serves`,
    )
  }
  return { ...found, failover }
}

/** Redirects go before the default subset (agent/consul/discoverychain/compile.go, getResolverNode). */
function followed(asked: TargetName, resolvers: Resolvers, known: Known, tell: Tell): TargetName | null {
  const seen: TargetName[] = []
  let target = asked
  for (;;) {
    const resolver = resolvers.get(target.service)
    if (resolver === undefined) return target.subset === '' ? target : null
    const next = redirected(target, resolver, known, resolvers, tell)
    if (next !== null && seen.some((each) => isSame(each, next))) {
      const circle = [...seen, target, next].map(targetText).join(' -> ')
      const rest = `${targetText(target)} is served as if it had no Redirect`
      tell(
        'ENTRY_CYCLE',
        'error',
        `service-resolver ${target.service}: Redirect closes a circle (${circle}); ${rest}`,
      )
    } else if (next !== null && !isSame(next, target)) {
      seen.push(target)
      target = next
      continue
    }
    let end = ended(target, resolver, tell)
    // A redirect that leads to nothing after further ones: whoever has it serves as if it had none.
    while (end === null && seen.length > 0) {
      const before = seen.pop()!
      const where = `service-resolver ${before.service}: Redirect`
      tell(
        'ENTRY_TARGET_UNKNOWN',
        'error',
        `${where}: ${targetText(target)} is not there; it is not followed`,
      )
      target = before
      end = ended(before, resolvers.get(before.service)!, tell)
    }
    return end
  }
}

/** With the default subset, where none was asked for; null for a subset that is not there. */
function ended(target: TargetName, resolver: ResolverDocument, tell: Tell): TargetName | null {
  if (target.subset !== '') return hasSubset(resolver, target.subset) ? target : null
  const subset = resolver.DefaultSubset ?? ''
  if (subset === '' || hasSubset(resolver, subset)) return { ...target, subset }
  const rest = 'all instances of the service are used'
  tell(
    'ENTRY_TARGET_UNKNOWN',
    'error',
    `service-resolver ${target.service}: DefaultSubset ${subset} is not one of Subsets; ${rest}`,
  )
  return target
}

function redirected(
  target: TargetName,
  { Redirect, Name }: ResolverDocument,
  known: Known,
  resolvers: Resolvers,
  tell: Tell,
): TargetName | null {
  if (Redirect === undefined) return null
  const where = `service-resolver ${Name}: Redirect`
  const elsewhere = foreignPlace(Redirect)
  if (elsewhere !== null) {
    tell('ENTRY_UNSUPPORTED', 'warning', `${where}.${elsewhere} is not supported; it is not followed`)
    return null
  }
  const next = rewritten(target, Redirect)
  const resolver = resolvers.get(next.service)
  // A subset matters only where redirects end: one that goes on to another service leaves it behind.
  if (resolver?.Redirect !== undefined) return next
  const isSubset = next.subset === '' || hasSubset(resolver, next.subset)
  if (known.has(next.service) && isSubset) return next
  tell('ENTRY_TARGET_UNKNOWN', 'error', `${where}: ${targetText(next)} is not there; it is not followed`)
  return null
}

function failoverOf(target: TargetName, resolvers: Resolvers, known: Known, tell: Tell): TargetName[] {
  const all = resolvers.get(target.service)?.Failover
  const key = all?.[target.subset] === undefined ? '*' : target.subset
  const said = all?.[key]
  if (said === undefined) return []
  const where = `service-resolver ${target.service}: Failover[${key}]`
  const wishes: (Place & { readonly at: string })[] = (said.Targets ?? []).map((each, index) => ({
    ...each,
    Datacenters: each.Datacenter ? [each.Datacenter] : [],
    at: `${where}.Targets[${index}]`,
  }))
  if (wishes.length === 0) wishes.push({ ...said, at: where })
  if (said.Policy !== undefined && said.Policy !== null && Object.keys(said.Policy as object).length > 0) {
    tell('ENTRY_UNSUPPORTED', 'warning', `${where}.Policy has no effect: the targets are used in their order`)
  }
  const found: TargetName[] = []
  for (const { at, ...wish } of wishes) {
    const elsewhere = foreignPlace(wish)
    if (elsewhere !== null) {
      tell(
        'ENTRY_UNSUPPORTED',
        'warning',
        `${at}.${elsewhere} is not supported: only this data centre is watched, so nobody serves from there`,
      )
      continue
    }
    const next = followed(rewritten(target, wish), resolvers, known, tell)
    if (next === null || !known.has(next.service)) {
      const what = targetText(rewritten(target, wish))
      tell('ENTRY_TARGET_UNKNOWN', 'warning', `${at}: ${what} is not there; it is left out`)
    } else if (!isSame(next, target) && !found.some((each) => isSame(each, next))) found.push(next)
  }
  return found
}

interface Place {
  readonly Service?: string | undefined
  readonly ServiceSubset?: string | undefined
  readonly Namespace?: string | undefined
  readonly Partition?: string | undefined
  readonly Datacenter?: string | undefined
  readonly Datacenters?: readonly string[] | undefined
  readonly Peer?: string | undefined
  readonly SamenessGroup?: string | undefined
}

/** Another service begins without subset (rewriteTarget in compile.go). */
function rewritten(target: TargetName, { Service, ServiceSubset }: Place): TargetName {
  const isOther = (Service ?? '') !== '' && Service !== target.service
  const base = isOther ? { service: Service!, subset: '' } : target
  return (ServiceSubset ?? '') === '' ? base : { ...base, subset: ServiceSubset! }
}

/** The field that leads out of what this operator watches; null for none. */
function foreignPlace(place: Place): string | null {
  for (const field of ['Datacenter', 'Peer', 'SamenessGroup'] as const) if (place[field]) return field
  if ((place.Datacenters ?? []).length > 0) return 'Datacenters'
  for (const field of ['Namespace', 'Partition'] as const) {
    const value = place[field]
    if (value !== undefined && value !== '' && value !== 'default') return field
  }
  return null
}

const hasSubset = (resolver: ResolverDocument | undefined, subset: string): boolean =>
  Object.hasOwn(resolver?.Subsets ?? {}, subset)

const isSame = (one: TargetName, other: TargetName): boolean =>
  one.service === other.service && one.subset === other.subset

export const targetText = ({ service, subset }: TargetName): string =>
  subset === '' ? `service ${service}` : `subset ${subset} of ${service}`
