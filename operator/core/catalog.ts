/** What Consul says, as plain data: the only view of Consul that deciding code has. */

import type { Policies } from './policy/policy-input.ts'

export type CheckStatus = 'passing' | 'warning' | 'critical'

export interface Check {
  readonly id: string
  readonly name: string
  readonly status: CheckStatus
  /** Consul service id the check belongs to; '' for a check of the node. */
  readonly serviceId: string
}

export interface Instance {
  readonly node: string
  /** Consul service id, unique per node. */
  readonly id: string
  /** Service address, or the node's where the service has none. */
  readonly address: string
  /** 0 when the registration has no port. */
  readonly port: number
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, string>>
  readonly weights: { readonly passing: number; readonly warning: number }
  /** Consul service kind: '' for a typical service, else connect-proxy, mesh-gateway, ... */
  readonly kind: string
  /** Checks of this instance and of its node. Maintenance shows as Consul has it: id `_node_maintenance` or `_service_maintenance:<id>`. */
  readonly checks: readonly Check[]
}

/** Complete or not at all: a partial read is a failed read and never becomes a snapshot. */
export interface CatalogSnapshot {
  /** Every catalog service by name, `consul` included. An instance list keeps its identity while unchanged. */
  readonly services: ReadonlyMap<string, readonly Instance[]>
  /** Configuration entries, and who is in which subset; absent where they are not read. */
  readonly policies?: Policies | undefined
}
