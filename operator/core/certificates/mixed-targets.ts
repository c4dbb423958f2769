/**
 * Verified and unverified services on one address. Kong keeps connections by address: one that was opened without a check
 * is used again for a request that asks for one, so that what is written as verified is not.
 */

import type { Entity } from '../entity.ts'
import type { Problem } from '../problem.ts'

/** @param groups all that services want, by service */
export function mixedTargets(groups: ReadonlyMap<string, readonly Entity[]>): readonly Problem[] {
  const users = new Map<string, { verified: Set<string>; others: Set<string> }>()
  for (const [service, entities] of groups) {
    const verified = new Set<unknown>()
    const unverified = new Set<unknown>()
    for (const { kind, fields } of entities) {
      if (kind !== 'service' || fields.protocol !== 'https') continue
      ;(fields.tls_verify === true ? verified : unverified).add(fields.host)
    }
    if (verified.size + unverified.size === 0) continue
    const names = new Map(
      entities.filter(({ kind }) => kind === 'upstream').map(({ id, name }) => [id, name]),
    )
    for (const { kind, name, parent } of entities) {
      if (kind !== 'target') continue
      const known = users.get(name) ?? { verified: new Set(), others: new Set() }
      if (verified.has(names.get(parent))) known.verified.add(service)
      if (unverified.has(names.get(parent))) known.others.add(service)
      users.set(name, known)
    }
  }
  return [...users].flatMap(([target, { verified, others }]) =>
    others.size === 0 ? [] : [...verified].map((service) => mixed(service, target, [...others])),
  )
}

const mixed = (service: string, target: string, others: readonly string[]): Problem => ({
  code: 'TLS_MIXED',
  severity: 'error',
  service,
  message:
    `${target} is not verified for ${service}, whatever tls.verify says: ${others.join(', ')} speaks to the same address ` +
    'without a check, and Kong uses connections of either for both; set tls.verify for all of them, or for none',
})
