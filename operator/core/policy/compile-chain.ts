/**
 * What Consul's entries make of requests for one service: router, then splitters, then resolvers, as
 * https://developer.hashicorp.com/consul/docs/manage-traffic/discovery-chain says and agent/consul/discoverychain
 * does it. Where Consul would refuse an entry or answer errors, what works goes on and the problem is told.
 */

import type { Problem } from '../problem.ts'
import type { ConfigEntries } from './config-entries.ts'
import type { RouterDocument, SplitterDocument } from './entry-schema.ts'
import { type ResolvedTarget, resolveTarget } from './resolve-target.ts'
import { unknownCondition } from './unknown-condition.ts'

export type RouteMatchDocument = NonNullable<
  NonNullable<NonNullable<RouterDocument['Routes']>[number]['Match']>['HTTP']
>
export type RouteDestinationDocument = NonNullable<
  NonNullable<RouterDocument['Routes']>[number]['Destination']
>

/** Hundredths of a percent of all requests: what Consul's weights are exact to. */
export const WHOLE = 10_000

export interface Leg {
  readonly target: ResolvedTarget
  /** Of WHOLE. 0: it gets no requests, and is there so that a share later is a change of weights and nothing else. */
  readonly share: number
}

export interface Destination {
  /** The service whose splitter or resolver decides. */
  readonly service: string
  /** Several: `service` has a splitter. Shares add up to WHOLE, each target comes once. */
  readonly legs: readonly Leg[]
}

export interface ChainRoute {
  /** Where in the router it stands, from 0; null for the last one, which takes what is left. */
  readonly index: number | null
  readonly match: RouteMatchDocument
  readonly wish: RouteDestinationDocument
  readonly destination: Destination
}

export interface Chain {
  readonly service: string
  /** In the order in which they are tried; the last one takes everything. */
  readonly routes: readonly ChainRoute[]
  readonly problems: readonly Problem[]
}

/** What there is to route to. */
export interface KnownServices {
  /** Has Kong, or can it get, instances of it? */
  has(service: string): boolean
}

/** Tells what is wrong; the same thing once. */
export type Tell = (code: string, severity: Problem['severity'], message: string) => void

/** null: no entry says anything about requests for this service. */
export function compileChain(service: string, entries: ConfigEntries, known: KnownServices): Chain | null {
  if (!isTouched(service, entries)) return null
  const problems = new Map<string, Problem>()
  const tell: Tell = (code, severity, message) =>
    void problems.set(message, { code, severity, service, message })
  const routes: ChainRoute[] = []
  const router = entries.routers.get(service)
  for (const [index, { Match, Destination }] of (router?.Routes ?? []).entries()) {
    const wish = Destination ?? {}
    const where = `service-router ${service}: Routes[${index}]`
    refuseForeign(wish, `${where}.Destination`, tell)
    const strange = unknownCondition(Match)
    if (strange !== null) {
      tell(
        'ENTRY_UNSUPPORTED',
        'warning',
        `${where}.${strange} is not known to this version of kongsul; the route is left out and its requests go to the routes after it`,
      )
      continue
    }
    const name = wish.Service || service
    const destination = destinationOf(name, wish.ServiceSubset ?? '', entries, known, where, tell)
    if (destination === null) {
      const what = wish.ServiceSubset ? `subset ${wish.ServiceSubset} of ${name}` : `service ${name}`
      tell(
        'ENTRY_TARGET_UNKNOWN',
        'error',
        `${where}.Destination: ${what} is not there; the route is left out and its requests go to the routes after it`,
      )
      continue
    }
    routes.push({ index, match: Match?.HTTP ?? {}, wish, destination })
  }
  const rest = destinationOf(service, '', entries, known, `service ${service}`, tell)
  if (rest !== null) routes.push({ index: null, match: {}, wish: {}, destination: rest })
  if (routes.length === 0) return null
  return { service, routes, problems: [...problems.values()] }
}

const isTouched = (service: string, { routers, splitters, resolvers }: ConfigEntries): boolean =>
  routers.has(service) || splitters.has(service) || resolvers.has(service)

/** null: nothing is there to send requests to. */
function destinationOf(
  service: string,
  subset: string,
  entries: ConfigEntries,
  known: KnownServices,
  where: string,
  tell: Tell,
): Destination | null {
  if (subset === '' && entries.splitters.has(service)) {
    const legs = splitLegs(service, entries, known, [], tell)
    if (legs.length > 0) return { service, legs: exactShares(merged(legs)) }
    const rest = `the splitter is left out`
    tell('ENTRY_TARGET_UNKNOWN', 'error', `service-splitter ${service}: no split leads anywhere; ${rest}`)
  }
  const target = resolveTarget({ service, subset }, entries.resolvers, known, where, tell)
  return target === null ? null : { service, legs: [{ target, share: WHOLE }] }
}

/** Splits of splits are multiplied out. Shares are of WHOLE, not rounded. */
function splitLegs(
  service: string,
  entries: ConfigEntries,
  known: KnownServices,
  above: readonly string[],
  tell: Tell,
): Leg[] {
  const legs: Leg[] = []
  const splitter = entries.splitters.get(service) as SplitterDocument
  for (const [index, split] of splitter.Splits.entries()) {
    const where = `service-splitter ${service}: Splits[${index}]`
    if (split.Weight === 0) {
      legs.push(...idleLegs(split, service, entries, known))
      continue
    }
    refuseForeign(split, where, tell)
    refuseHeaders(split, where, tell)
    const name = split.Service || service
    const subset = split.ServiceSubset ?? ''
    const part = (share: number): number => (share * Math.round(split.Weight * 100)) / WHOLE
    const isNested = name !== service && subset === '' && entries.splitters.has(name)
    if (isNested && [...above, service].includes(name)) {
      const circle = [...above, service, name].join(' -> ')
      const rest = 'this split is left out, its share goes to the others'
      tell('ENTRY_CYCLE', 'error', `${where} closes a circle (${circle}); ${rest}`)
      continue
    }
    if (isNested) {
      const nested = splitLegs(name, entries, known, [...above, service], tell)
      legs.push(...nested.map(({ target, share }) => ({ target, share: part(share) })))
      if (nested.length > 0) continue
    }
    const target = resolveTarget({ service: name, subset }, entries.resolvers, known, where, tell)
    if (target !== null) legs.push({ target, share: part(WHOLE) })
    else {
      const what = subset === '' ? `service ${name}` : `subset ${subset} of ${name}`
      const rest = 'this split is left out, its share goes to the others'
      tell('ENTRY_TARGET_UNKNOWN', 'error', `${where}: ${what} is not there; ${rest}`)
    }
  }
  const sum = legs.reduce((total, { share }) => total + share, 0)
  if (sum === 0) return []
  return legs.map(({ target, share }) => ({ target, share: (share * WHOLE) / sum }))
}

/** What has no weight is told of nothing: where it is not there it is no leg. */
function idleLegs(
  { Service, ServiceSubset }: SplitterDocument['Splits'][number],
  service: string,
  entries: ConfigEntries,
  known: KnownServices,
): Leg[] {
  const asked = { service: Service || service, subset: ServiceSubset ?? '' }
  // What another splitter makes of it begins with a weight.
  const isNested = asked.service !== service && asked.subset === '' && entries.splitters.has(asked.service)
  const target = isNested ? null : resolveTarget(asked, entries.resolvers, known, '', () => {})
  return target === null ? [] : [{ target, share: 0 }]
}

/** A target that several splits lead to is one leg. */
function merged(legs: readonly Leg[]): Leg[] {
  const byTarget = new Map<string, Leg>()
  for (const { target, share } of legs) {
    const key = JSON.stringify([target.service, target.subset])
    byTarget.set(key, { target, share: share + (byTarget.get(key)?.share ?? 0) })
  }
  return [...byTarget.values()]
}

/** Whole hundredths of a percent that add up, the largest remainders rounded up; what has a share keeps one. */
function exactShares(legs: readonly Leg[]): Leg[] {
  const shares = legs.map(({ share }) => (share === 0 ? 0 : Math.max(1, Math.floor(share + 1e-9))))
  const byRemainder = legs
    .map(({ share }, index) => ({ index, remainder: share - shares[index]! }))
    .sort((left, right) => right.remainder - left.remainder || left.index - right.index)
  let missing = WHOLE - shares.reduce((sum, share) => sum + share, 0)
  for (let at = 0; missing > 0; at = (at + 1) % byRemainder.length) {
    shares[byRemainder[at]!.index]! += 1
    missing -= 1
  }
  // Only where hundreds of tiny legs were rounded up to one.
  while (missing < 0) {
    shares[shares.indexOf(Math.max(...shares))]! -= 1
    missing += 1
  }
  return legs.map(({ target }, index) => ({ target, share: shares[index]! }))
}

/** Namespaces and partitions are Consul Enterprise. */
function refuseForeign(
  said: { readonly Namespace?: string | undefined; readonly Partition?: string | undefined },
  where: string,
  tell: Tell,
): void {
  for (const field of ['Namespace', 'Partition'] as const) {
    const value = said[field]
    if (value === undefined || value === '' || value === 'default') continue
    tell(
      'ENTRY_UNSUPPORTED',
      'warning',
      `${where}.${field}: Consul Enterprise is not supported; it is ignored`,
    )
  }
}

function refuseHeaders(
  split: Pick<SplitterDocument['Splits'][number], 'RequestHeaders' | 'ResponseHeaders'>,
  where: string,
  tell: Tell,
): void {
  for (const field of ['RequestHeaders', 'ResponseHeaders'] as const) {
    const said = split[field]
    if (said === undefined || Object.values(said).every((each) => Object.keys(each ?? {}).length === 0))
      continue
    const why = 'Kong balances over the splits after headers are changed'
    tell('ENTRY_UNSUPPORTED', 'warning', `${where}.${field} has no effect: ${why}; change them in the router`)
  }
}
