/** One row of Consul's /v1/health/service/<name> as an instance. */

import type { Check, CheckStatus, Instance } from './catalog.ts'

export interface ConsulRow {
  readonly Node: { readonly Node: string; readonly Address?: string | null }
  readonly Service: {
    readonly ID?: string
    readonly Service: string
    readonly Address?: string | null
    readonly Port?: number | null
    readonly Tags?: readonly string[] | null
    readonly Meta?: Readonly<Record<string, string>> | null
    readonly Weights?: { readonly Passing?: number; readonly Warning?: number } | null
    readonly Kind?: string | null
  }
  readonly Checks?: readonly ConsulCheck[] | null
}

export interface ConsulCheck {
  readonly CheckID?: string
  readonly Name?: string
  readonly Status?: string
  readonly ServiceID?: string | null
}

/** Consul's defaults stand in for what a row leaves out: weights 1 and 1, no kind, the node's address. */
export function instanceFromRow(row: ConsulRow): Instance {
  const { Node: node, Service: service } = row
  return {
    node: node.Node,
    id: service.ID || service.Service,
    address: service.Address || node.Address || '',
    port: service.Port ?? 0,
    tags: service.Tags ?? [],
    meta: Object.fromEntries(Object.entries(service.Meta ?? {})),
    weights: { passing: service.Weights?.Passing ?? 1, warning: service.Weights?.Warning ?? 1 },
    kind: service.Kind ?? '',
    checks: (row.Checks ?? []).map(checkFromRow),
  }
}

/** Instances in the order of (node, id), whatever order Consul answered in. */
export function instancesFromRows(rows: readonly ConsulRow[]): readonly Instance[] {
  return rows.map(instanceFromRow).sort(byNodeAndId)
}

export function byNodeAndId(left: Instance, right: Instance): number {
  if (left.node !== right.node) return left.node < right.node ? -1 : 1
  return left.id < right.id ? -1 : left.id > right.id ? 1 : 0
}

function checkFromRow(check: ConsulCheck): Check {
  return {
    id: check.CheckID ?? '',
    name: check.Name ?? '',
    status: statusOf(check.Status),
    serviceId: check.ServiceID ?? '',
  }
}

/** Consul knows three states; one it may learn later is not taken for healthy. */
const statusOf = (status: string | undefined): CheckStatus =>
  status === 'passing' || status === 'warning' ? status : 'critical'
