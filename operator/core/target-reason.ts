/** Why a target of Kong gets requests or none, in words. Plain data in and out. */

import type { Ejection } from './ejections.ts'
import { HEALTH_OVERRIDE, isManaged, overriddenOf } from './tags.ts'
import type { InstanceReport } from './targets.ts'

export interface TargetFacts {
  /** In Kong. */
  readonly weight: number
  /** In Kong: HEALTHY, UNHEALTHY, DNS_ERROR; '' when it is not known. */
  readonly mark: string
  readonly tags: readonly string[]
  /** Consul service of the upstream; '' where that is not kongsul's. */
  readonly owner: string
  /** What Consul says; undefined where it knows none at this address. */
  readonly instance: Pick<InstanceReport, 'health' | 'weight' | 'reason'> | undefined
  /**
   * Where its weight is a share of a split, a failover or a subset, not the weight that the instance has: '' for an
   * instance of the owner, else the service it is of.
   */
  readonly shareOf?: string | undefined
  /** The claim of the plugin process that has taken it out; undefined where none has. */
  readonly ejection: Ejection | undefined
  /** Addresses of a host name that Kong's mark keeps out, while others are in. */
  readonly addressesOut?: readonly { readonly address: string; readonly ejection: Ejection | undefined }[]
}

/** Does Kong's mark keep it out, whatever its weight? */
export const isMarkedOut = (mark: string): boolean => mark === 'UNHEALTHY' || mark === 'DNS_ERROR'

export function targetReason(facts: TargetFacts): string {
  const { weight, mark, addressesOut = [] } = facts
  if (weight > 0 && isMarkedOut(mark) && addressesOut.length === 0) return markReason(facts)
  const own = weightReason(facts)
  const out = weight > 0 ? addressesOut : []
  return [
    own,
    ...out.map((each) => `${each.address} of it is ${markReason({ ...facts, ...each, mark: 'UNHEALTHY' })}`),
  ].join('; ')
}

function markReason({ mark, tags, ejection }: TargetFacts): string {
  if (mark === 'DNS_ERROR') return 'Kong cannot resolve its name'
  if (overriddenOf(tags).has(HEALTH_OVERRIDE)) return 'kept out by hand (tag kongsul.override:health)'
  if (ejection !== undefined) return ejectionReason(ejection)
  return 'marked unhealthy in Kong; taken back after healthChecks.passive.recoverSeconds'
}

function weightReason({ weight, owner, tags, instance, ejection, shareOf }: TargetFacts): string {
  if (owner === '') return 'not managed by kongsul'
  if (!isManaged({ tags })) return 'added in Kong by hand, not managed by kongsul'
  if (instance === undefined) return 'not in Consul (any more)'
  // Of an instance that Consul keeps out, that is the reason.
  if (ejection !== undefined && weight === 0 && instance.health !== 'unhealthy')
    return ejectionReason(ejection)
  const said = instance.reason === '' ? instance.health : `${instance.health}: ${instance.reason}`
  if (shareOf !== undefined) {
    const whose = shareOf === '' ? said : `of ${shareOf}, ${said}`
    return weight === 0 && instance.weight > 0 ? `${whose}; it has no share now` : whose
  }
  if (weight === instance.weight) return said
  return `${said}; ${overriddenOf(tags).has('weight') ? 'its weight is kept as it was set in Kong by hand, ' : ''}Consul wants weight ${instance.weight}`
}

function ejectionReason({ sinceMs, untilMs, reason }: Ejection): string {
  const since = sinceMs === null ? '' : ` since ${secondOf(sinceMs)},`
  const why = reason === '' ? '' : `: ${reason}`
  return `ejected by the circuit breaker${since} until ${secondOf(untilMs)}${why}`
}

const secondOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`
