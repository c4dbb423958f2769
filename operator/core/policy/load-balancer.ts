/** LoadBalancer of a service-resolver as a strategy of ours. */

import type { Problem } from '../problem.ts'
import type { Settings } from '../settings-defaults.ts'
import type { ResolverDocument } from './entry-schema.ts'

type LoadBalancer = ResolverDocument['LoadBalancer']

export interface Balancing {
  /** null: the entry does not say. */
  readonly loadBalancing: Settings['loadBalancing'] | null
  readonly problems: readonly Problem[]
}

/** @param resolver undefined: there is none */
export function balancingOf(service: string, resolver: ResolverDocument | undefined): Balancing {
  const said = resolver?.LoadBalancer
  const problems: Problem[] = []
  const tell = (field: string, what: string): void => {
    const message = `service-resolver ${service}: ${field} ${what}`
    problems.push({ code: 'ENTRY_UNSUPPORTED', severity: 'warning', service, message })
  }
  const locality = resolver?.PrioritizeByLocality
  if (isSaid(locality)) tell('PrioritizeByLocality', 'has no effect: Kong knows no localities')
  for (const field of ['RingHashConfig', 'LeastRequestConfig'] as const) {
    if (isSaid(said?.[field])) tell(`LoadBalancer.${field}`, 'has no effect: Kong has no such settings')
  }
  switch (said?.Policy ?? '') {
    case 'random':
    case 'round_robin':
      return { loadBalancing: { strategy: said!.Policy as 'random', hashOn: null }, problems }
    case 'least_request':
      return { loadBalancing: { strategy: 'least_connections', hashOn: null }, problems }
    case 'ring_hash':
    case 'maglev':
      return { loadBalancing: { strategy: 'ip_hash', hashOn: hashOn(said, tell) }, problems }
    case '':
      return { loadBalancing: null, problems }
    default:
      tell('LoadBalancer.Policy', `${said!.Policy} is not known to this version of kongsul; it is left out`)
      return { loadBalancing: null, problems }
  }
}

/** An object that says something. */
const isSaid = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0

/** The first that Kong can hash by; null: the client's address, which is what Kong does without any. */
function hashOn(said: LoadBalancer, tell: (field: string, what: string) => void): string | null {
  let chosen: { readonly on: string | null; readonly fallsBackToAddress: boolean } | null = null
  for (const [index, policy] of (said?.HashPolicies ?? []).entries()) {
    const field = `LoadBalancer.HashPolicies[${index}]`
    const on = policy.SourceIP ? null : fieldText(policy.Field ?? '', policy.FieldValue ?? '')
    const what = [policy.Field, policy.FieldValue].filter(Boolean).join(' ')
    if (on === undefined) tell(field, `is by ${what}, which Kong cannot hash by; it is left out`)
    else if (chosen?.fallsBackToAddress && policy.SourceIP) continue
    else if (chosen !== null) tell(field, 'has no effect: Kong hashes by one thing, the first is used')
    // What Kong does without the header or parameter; a cookie it makes then. Terminal: where it is there, it alone counts.
    else chosen = { on, fallsBackToAddress: policy.Terminal === true && policy.Field !== 'cookie' }
    if (policy.CookieConfig?.Path && policy.CookieConfig.Path !== '/') {
      tell(`${field}.CookieConfig.Path`, "has no effect: Kong's cookie is for /")
    }
    if (policy.CookieConfig?.TTL || policy.CookieConfig?.Session) {
      tell(`${field}.CookieConfig`, "has no effect: Kong's cookie lasts for the session")
    }
  }
  return chosen?.on ?? null
}

/** In the form of `loadBalancing.hashOn`. */
function fieldText(field: string, value: string): string | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(value)) return undefined
  if (field === 'header') return `header:${value}`
  if (field === 'cookie') return `cookie:${value}`
  return field === 'query_parameter' ? `query:${value}` : undefined
}
