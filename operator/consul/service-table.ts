import { isDeepStrictEqual } from 'node:util'
import type { Instance } from '../core/catalog.ts'
import type { RawService } from './raw-rows.ts'

/** What was last read of one service. */
export interface ServiceEntry {
  readonly instances: readonly Instance[]
  /** Service.ModifyIndex by `${node}/${service id}`. */
  readonly modifyIndexes: ReadonlyMap<string, number>
  /** X-Consul-Index of the read. */
  readonly index: bigint
}

export const instanceKey = (node: string, id: string): string => `${node}/${id}`

/** The new list, built of the old instances where they are equal; the old list itself when all are. */
export function keepIdentity(
  before: readonly Instance[] | undefined,
  after: readonly Instance[],
): readonly Instance[] {
  if (before === undefined) return after
  const old = new Map(before.map((instance) => [instanceKey(instance.node, instance.id), instance]))
  const merged = after.map((instance) => {
    const known = old.get(instanceKey(instance.node, instance.id))
    return known !== undefined && isDeepStrictEqual(known, instance) ? known : instance
  })
  const unchanged = merged.length === before.length && merged.every((one, at) => one === before[at])
  return unchanged ? before : merged
}

export interface Listed {
  readonly node: string
  readonly services: readonly RawService[]
}

/**
 * Services whose instances differ from what was read of them, by a listing of nodes: another ModifyIndex, a new
 * instance, or one that is gone. The value is the index a read of the service must have reached.
 */
export function servicesThatDiffer(
  table: ReadonlyMap<string, ServiceEntry>,
  listing: readonly Listed[],
): ReadonlyMap<string, bigint> {
  const differing = new Map<string, bigint>()
  const note = (service: string, index: number) => {
    const known = differing.get(service) ?? 0n
    differing.set(service, known > BigInt(index) ? known : BigInt(index))
  }
  /** How many of the known instances of a service are listed. */
  const present = new Map<string, number>()
  for (const { node, services } of listing) {
    for (const { Service: name, ID, ModifyIndex } of services) {
      const known = table.get(name)?.modifyIndexes.get(instanceKey(node, ID))
      if (known !== undefined) present.set(name, (present.get(name) ?? 0) + 1)
      // Above 2^53 JSON numbers are no longer exact: equal may not mean the same.
      if (known !== ModifyIndex || !Number.isSafeInteger(known)) note(name, ModifyIndex)
    }
  }
  for (const [name, { modifyIndexes }] of table) {
    if ((present.get(name) ?? 0) < modifyIndexes.size) note(name, 0)
  }
  return differing
}

/**
 * Services with another number of instances than was read of them. `offsets` are differences that a read of the
 * service does not end: Consul counts sidecars of some versions elsewhere.
 */
export function countsThatDiffer(
  table: ReadonlyMap<string, ServiceEntry>,
  counts: ReadonlyMap<string, number>,
  offsets: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const differing = new Map<string, number>()
  for (const name of new Set([...counts.keys(), ...table.keys()])) {
    const difference = (counts.get(name) ?? 0) - (table.get(name)?.instances.length ?? 0)
    if (difference !== (offsets.get(name) ?? 0)) differing.set(name, difference)
  }
  return differing
}

/** Indexes after `from` up to `to` that these entries account for. */
export function explainedIndexes(
  entries: Iterable<ServiceEntry>,
  from: bigint,
  to: bigint,
): ReadonlySet<bigint> {
  const explained = new Set<bigint>()
  // Thousands are looked at, hardly any is in the range: most are told apart without making a bigint of them.
  const first = Number(from)
  for (const entry of entries) {
    if (entry.index > from && entry.index <= to) explained.add(entry.index)
    for (const index of entry.modifyIndexes.values()) {
      if (index < first) continue
      const exact = BigInt(index)
      if (exact > from && exact <= to) explained.add(exact)
    }
  }
  return explained
}
