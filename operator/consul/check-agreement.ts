import type { Instance } from '../core/catalog.ts'
import { type CheckEntry, type CheckTable, checkState } from './check-changes.ts'
import type { Expectation } from './pending-reads.ts'
import type { ServiceEntry } from './service-table.ts'

type Row = readonly [key: string, entry: CheckEntry]

/**
 * Services of which a read showed other checks than the list of troubled ones did. One of the two was older, and the
 * lists alone need not tell what follows: a check that flips twice between two of them is the same in both, and a read in
 * the middle has shown what neither has.
 */
export class CheckAgreement {
  #ofService: ReadonlyMap<string, readonly Row[]> = new Map()
  #ofNode: ReadonlyMap<string, readonly Row[]> = new Map()
  /** Of the last list. */
  #index = 0n
  /** With the index of the read that was asked about already; null: none was. */
  readonly #apart = new Map<string, bigint | null>()

  /**
   * Takes over a list.
   * @param index of the list
   * @param services as last read
   * @returns what a read of those that still differ has to show. A list that is older than the read says nothing; and
   * what another read has not changed (checks that the token may not list) is not asked for again.
   */
  listed(
    checks: CheckTable,
    index: bigint,
    services: ReadonlyMap<string, ServiceEntry>,
  ): ReadonlyMap<string, Expectation> {
    const [ofNode, ofService] = [new Map<string, Row[]>(), new Map<string, Row[]>()]
    for (const row of checks) {
      const { service, node } = row[1]
      const [rows, of] = service === '' ? [ofNode, node] : [ofService, service]
      const known = rows.get(of)
      if (known === undefined) rows.set(of, [row])
      else known.push(row)
    }
    this.#ofNode = ofNode
    this.#ofService = ofService
    this.#index = index
    const apart = new Map<string, Expectation>()
    for (const [service, askedFor] of this.#apart) {
      const entry = services.get(service)
      const readAt = entry?.index ?? 0n
      const expected = this.#expectedOf(service, entry)
      if (expected === null) this.#apart.delete(service)
      else if (readAt <= index && readAt !== askedFor) {
        this.#apart.set(service, readAt)
        apart.set(service, expected)
      }
    }
    return apart
  }

  /**
   * A service was read.
   * @param entry undefined: it has no instances
   * @returns what a read of it has to show where this one came late: the list is the newer one. Otherwise the next list
   * tells
   */
  read(service: string, entry: ServiceEntry | undefined): Expectation | null {
    const expected = this.#expectedOf(service, entry)
    if (expected === null) {
      this.#apart.delete(service)
      return null
    }
    const askedFor = this.#apart.get(service) ?? null
    const isLate = entry !== undefined && entry.index <= this.#index && entry.index !== askedFor
    this.#apart.set(service, isLate ? entry.index : askedFor)
    return isLate ? expected : null
  }

  /** null: the read shows what the list does. */
  #expectedOf(service: string, entry: ServiceEntry | undefined): Expectation | null {
    const instances = entry?.instances ?? []
    const read = troubledOf(instances)
    const recovered = new Set(read.keys())
    let minIndex = 0n
    for (const [key, { state, modifyIndex }] of this.#listedOf(service, instances)) {
      recovered.delete(key)
      if (read.get(key) !== state && BigInt(modifyIndex) > minIndex) minIndex = BigInt(modifyIndex)
    }
    return recovered.size === 0 && minIndex === 0n ? null : { minIndex, recovered }
  }

  #listedOf(service: string, instances: readonly Instance[]): readonly Row[] {
    const nodes = this.#ofNode.size === 0 ? [] : [...new Set(instances.map(({ node }) => node))]
    const ofNodes = nodes.flatMap((node) => this.#ofNode.get(node) ?? [])
    return [...(this.#ofService.get(service) ?? []), ...ofNodes]
  }
}

/** Checks that a read showed in trouble, as `checkTable` has them. */
function troubledOf(instances: readonly Instance[]): ReadonlyMap<string, string> {
  const troubled = new Map<string, string>()
  for (const { node, checks } of instances) {
    for (const { id, name, status, serviceId } of checks)
      if (status !== 'passing') troubled.set(`${node}/${id}`, checkState({ status, serviceId, name }))
  }
  return troubled
}
