/** Whether a canary can begin with what Consul holds; where not, which entry lacks what, and what mends it. */

import type { ConfigEntries } from '../policy/config-entries.ts'
import type { CanaryPlan } from './canary.ts'
import { hasOthers, type Split } from './split-shares.ts'

export interface StartFacts {
  readonly entries: Pick<ConfigEntries, 'resolvers' | 'protocols' | 'protocol'>
  /** What Consul holds; null: no splitter. */
  readonly splits: readonly Split[] | null
  /** Is there a service-defaults entry, whatever it says? */
  readonly hasDefaults: boolean
  /** Is one with protocol http written first where there is none? */
  readonly createDefaults: boolean
  /** Why the subset cannot serve; null when it can. */
  readonly fault: string | null
}

export type StartCheck =
  | { readonly ok: true; readonly createsDefaults: boolean }
  /** @see field the field of the request it is about */
  | { readonly ok: false; readonly field: string; readonly message: string }

/** Protocols for which Consul takes a splitter, as `protocols` of the entries names them. */
const LAYER_7 = new Set(['http', 'https', 'grpc', 'grpcs'])

export function checkStart(
  { service, to }: Pick<CanaryPlan, 'service' | 'to'>,
  facts: StartFacts,
): StartCheck {
  const { entries, splits, hasDefaults, createDefaults, fault } = facts
  const resolver = entries.resolvers.get(service)
  const example = `Subsets = { ${to} = { Filter = "Service.Meta.version == ${to}" } }`
  if (resolver === undefined) {
    return refused(
      'to',
      `Consul has no service-resolver ${service}: write one with DefaultSubset and ${example}`,
    )
  }
  const subsets = Object.keys(resolver.Subsets ?? {})
  if (!subsets.includes(to)) {
    const has = subsets.length === 0 ? 'no subsets' : `only ${subsets.sort().join(', ')}`
    return refused('to', `service-resolver ${service} has ${has}: add ${example}`)
  }
  if (resolver.Redirect?.Service && resolver.Redirect.Service !== service) {
    return refused('service', `service-resolver ${service} redirects to ${resolver.Redirect.Service}`)
  }
  if (splits === null && !resolver.DefaultSubset) {
    const why = `the other requests would go to instances of ${to} as well`
    return refused(
      'to',
      `service-resolver ${service} has no DefaultSubset, ${why}: set it, or write a service-splitter`,
    )
  }
  if (splits === null && resolver.DefaultSubset === to) {
    return refused('to', `${to} is the DefaultSubset of service-resolver ${service} already`)
  }
  if (splits !== null && !hasOthers(splits, service, to)) {
    return refused('to', `service-splitter ${service} gives ${to} all requests already`)
  }
  if (fault !== null) return refused('to', fault)
  const protocol = entries.protocols.get(service) ?? entries.protocol ?? ''
  if (splits !== null || LAYER_7.has(protocol)) return { ok: true, createsDefaults: false }
  const what = `Consul takes a service-splitter only for a service whose protocol is http`
  if (hasDefaults) {
    return refused('service', `${what}: set Protocol = "http" in service-defaults ${service}`)
  }
  if (createDefaults) return { ok: true, createsDefaults: true }
  const mend = `write service-defaults ${service} with Protocol = "http", or let it be written (--create-defaults)`
  return refused('service', `${what}: ${mend}`)
}

const refused = (field: string, message: string): StartCheck => ({ ok: false, field, message })
