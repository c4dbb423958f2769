import type { CatalogSnapshot, Instance } from '../core/catalog.ts'
import { instancesFromRows } from '../core/consul-row.ts'
import type { CheckTable } from './check-changes.ts'
import type { Answer } from './consul-reader.ts'
import type { RawServiceRow } from './raw-rows.ts'
import { explainedIndexes, instanceKey, keepIdentity, type ServiceEntry } from './service-table.ts'

/** Two reads of one service; undefined for a service without instances. */
export interface Taken {
  readonly before: readonly Instance[] | undefined
  /** The same list as before when nothing differs. */
  readonly after: readonly Instance[] | undefined
}

/** Indexes of services that went: as many as a burst has. */
const MOST_EXTINCTIONS = 64

/** What was read of every service, and which indexes of Consul it accounts for. */
export class CatalogTable {
  readonly #services = new Map<string, ServiceEntry>()
  #extinctions: readonly bigint[] = []

  get services(): ReadonlyMap<string, ServiceEntry> {
    return this.#services
  }

  /** Takes over an answer about one service; no rows: it is gone. */
  take(service: string, { body, index }: Answer<readonly RawServiceRow[]>): Taken {
    const before = this.#services.get(service)?.instances
    const after = body.length === 0 ? undefined : keepIdentity(before, instancesFromRows(body))
    if (after === undefined) {
      this.#services.delete(service)
      this.#extinctions = [...this.#extinctions.slice(1 - MOST_EXTINCTIONS), index]
    } else {
      const modifyIndexes = new Map(
        body.map((row) => [instanceKey(row.Node.Node, row.Service.ID), row.Service.ModifyIndex]),
      )
      this.#services.set(service, { instances: after, modifyIndexes, index })
    }
    return { before, after }
  }

  /** Instance lists keep their identity while nothing differs. */
  snapshot(): CatalogSnapshot {
    const services = new Map<string, readonly Instance[]>()
    for (const [name, { instances }] of this.#services) services.set(name, instances)
    return { services }
  }

  /** Services with an instance on one of these nodes. */
  servicesOn(nodes: ReadonlySet<string>): string[] {
    const on = ({ instances }: ServiceEntry) => instances.some((instance) => nodes.has(instance.node))
    return [...this.#services].filter(([, entry]) => on(entry)).map(([name]) => name)
  }

  /** Indexes in (from, to] that what was read, and what the checks told, accounts for. */
  explained(from: bigint, to: bigint, checks: CheckTable): ReadonlySet<bigint> {
    const explained = new Set(explainedIndexes(this.#services.values(), from, to))
    for (const index of this.#extinctions) if (index > from && index <= to) explained.add(index)
    for (const { modifyIndex } of checks.values()) {
      const index = BigInt(modifyIndex)
      // Counts as known, but a check alone does not move the index of the services.
      if (index > from && index < to) explained.add(index)
    }
    return explained
  }
}
