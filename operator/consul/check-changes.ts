import type { Check } from '../core/catalog.ts'
import type { RawCheck } from './raw-rows.ts'

/**
 * Checks that are not passing, by `${node}/${check id}`, as far as they matter to routing; output and times do not.
 * One that is missing passes, or is gone.
 */
export type CheckTable = ReadonlyMap<string, CheckEntry>

export interface CheckEntry {
  readonly node: string
  /** '' for a check of the node. */
  readonly service: string
  readonly state: string
  readonly modifyIndex: number
}

/** What of a check matters, as one comparable text. */
export const checkState = (check: Pick<Check, 'serviceId' | 'name'> & { readonly status: string }): string =>
  `${check.status} ${check.serviceId} ${check.name}`

export function checkTable(checks: readonly RawCheck[]): CheckTable {
  const table = new Map<string, CheckEntry>()
  for (const check of checks) {
    table.set(`${check.Node}/${check.CheckID}`, {
      node: check.Node,
      service: check.ServiceID === '' ? '' : check.ServiceName,
      state: checkState({ status: check.Status, serviceId: check.ServiceID, name: check.Name }),
      modifyIndex: check.ModifyIndex,
    })
  }
  return table
}

export interface Touched {
  readonly service: string
  /** Node whose own check changed, '' for a check of `service`. */
  readonly node: string
  /** A read of the service must be at least this new to show the change; 0 when unknown. */
  readonly minIndex: bigint
  /** A check that is not troubled any more, by its key: a read that shows it so is too old. '' for a troubled one. */
  readonly recovered: string
}

/** Checks that came, went or changed between two answers, as the service or the node they touch. */
export function touchedByChecks(before: CheckTable, after: CheckTable): readonly Touched[] {
  const touched: Touched[] = []
  const add = (entry: CheckEntry, minIndex: bigint, recovered = '') =>
    touched.push({
      service: entry.service,
      node: entry.service === '' ? entry.node : '',
      minIndex,
      recovered,
    })
  for (const [key, entry] of after) {
    const old = before.get(key)
    if (old !== undefined && old.state === entry.state && old.service === entry.service) continue
    add(entry, BigInt(entry.modifyIndex))
    if (old !== undefined && old.service !== entry.service) add(old, 0n)
  }
  for (const [key, entry] of before) if (!after.has(key)) add(entry, 0n, key)
  return touched
}

/** Names that came, went or changed their tags between two answers of /v1/catalog/services. */
export function touchedNames(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly string[] {
  const names: string[] = []
  for (const [name, tags] of after) if (before.get(name) !== tags) names.push(name)
  for (const name of before.keys()) if (!after.has(name)) names.push(name)
  return names
}

/** Service names with their tags as one comparable text. */
export function nameTable(
  services: Readonly<Record<string, readonly string[] | null>>,
): ReadonlyMap<string, string> {
  const table = new Map<string, string>()
  for (const name in services) {
    const tags = services[name] ?? []
    table.set(name, tags.length === 0 ? '[]' : JSON.stringify([...tags].sort()))
  }
  return table
}
