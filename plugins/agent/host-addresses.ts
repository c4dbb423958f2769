/**
 * Instances behind host names, told apart by the addresses that Kong has of the names. Each address has its own circuit and
 * its own mark; a name with IPv6 addresses is one instance, as Kong marks it. Plain data in and out.
 */

import { canBeMarked, instanceKey, isNamed } from '../../operator/core/instance-key.ts'
import type { InstanceView } from '../../operator/core/mesh-view.ts'
import { normalTarget } from '../../operator/core/target-address.ts'
import { addressesOf, type HealthRow } from '../../operator/kong/health-row.ts'

/** `ip:port` by target, of targets that are host names; none where a name does not resolve. */
export type HostAddresses = ReadonlyMap<string, readonly string[]>

export function addressesIn(rows: readonly HealthRow[]): HostAddresses {
  const found = new Map<string, readonly string[]>()
  for (const row of rows) {
    const listed = addressesOf(row)
    if (listed === null) continue
    found.set(normalTarget(row.target), [...new Set(listed.map(({ address }) => address))].sort())
  }
  return found
}

/** Whether every name among them has an address. */
export function areResolved(rows: readonly HealthRow[]): boolean {
  const addresses = addressesIn(rows)
  const names = rows.map(({ target }) => normalTarget(target)).filter(isNamed)
  return names.every((target) => (addresses.get(target) ?? []).length > 0)
}

export interface NamedPlace {
  readonly target: string
  /** null: of the name as a whole. */
  readonly address: string | null
}

export interface Resolved {
  /** In the place of a name each address that is its alone, by `instanceKey`; one without any, or with IPv6, stays. */
  readonly instances: readonly InstanceView[]
  /** By `ip:port`; null for one that several instances have: whose it is nobody can tell. */
  readonly byAddress: ReadonlyMap<string, NamedPlace | null>
}

const NOTHING: ReadonlyMap<string, NamedPlace | null> = new Map()

export function resolved(instances: readonly InstanceView[], addresses: HostAddresses): Resolved {
  const hosts = instances.filter(({ target }) => addresses.has(target))
  if (hosts.length === 0) return { instances, byAddress: NOTHING }
  const taken = new Set(instances.map(({ target }) => target))
  const byAddress = new Map<string, NamedPlace | null>()
  for (const { target } of hosts) {
    const own = addresses.get(target)!
    const isWhole = !canBeMarked(own)
    for (const address of own) {
      const before = byAddress.get(address)
      const isShared = taken.has(address) || (before !== undefined && before?.target !== target)
      byAddress.set(address, isShared ? null : { target, address: isWhole ? null : address })
    }
  }
  return {
    byAddress,
    instances: instances.flatMap((instance) => {
      const all = addresses.get(instance.target) ?? []
      const own = all.filter((each) => byAddress.get(each) !== null)
      if (own.length === 0 || !canBeMarked(all)) return [instance]
      return own.map((address) => ({ ...instance, target: instanceKey(instance.target, address) }))
    }),
  }
}
