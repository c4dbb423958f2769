import type { RawNodeDump, RawServiceRow } from './raw-rows.ts'

/** What a listing of the catalog shows of some services: as good as a read of each of them. */
export interface ListedRows {
  readonly rows: ReadonlyMap<string, readonly RawServiceRow[]>
  /** The rows show every change up to this index. */
  readonly index: bigint
}

/** In the form and order of /v1/health/service/<name>; a service of which nothing is listed has no rows. */
export function listedRows(
  nodes: readonly RawNodeDump[],
  services: Pick<ReadonlySet<string>, 'has'>,
  index: bigint,
): ListedRows {
  const rows = new Map<string, RawServiceRow[]>()
  for (const { Node, Address, Services, Checks } of nodes) {
    for (const service of Services ?? []) {
      if (!services.has(service.Service)) continue
      const checks = Checks ?? []
      const ofNode = checks.filter(({ ServiceID }) => ServiceID === '')
      const own = checks.filter(({ ServiceID }) => ServiceID !== '' && ServiceID === service.ID)
      const row = { Node: { Node, Address }, Service: service, Checks: [...ofNode, ...own] }
      const known = rows.get(service.Service)
      if (known === undefined) rows.set(service.Service, [row])
      else known.push(row)
    }
  }
  return { rows, index }
}
