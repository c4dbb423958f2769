/** What Kong should hold for what Consul says. The middle of the operator: plain data in, plain data out. */

import type { CatalogSnapshot } from './catalog.ts'
import type { KongState } from './entity.ts'
import type { Problem } from './problem.ts'
import type { AcceptedSettings } from './settings.ts'

export interface MeshOptions {
  /** Name of the mesh in tags and ids; `default` unless configured. */
  readonly mesh: string
  /** Suffix of the default hosts; `mesh` unless configured. */
  readonly hostSuffix: string
  /** What the process was started with; `expose.default` of `mesh/defaults` wins. */
  readonly exposeDefault?: 'tagged' | 'all'
}

export interface DesiredInput {
  readonly snapshot: CatalogSnapshot
  readonly settings: AcceptedSettings
  readonly options: MeshOptions
  /** What Kong holds: read for routes that are not ours and for the last weights. */
  readonly actual: KongState
}

export interface InstanceReport {
  readonly id: string
  readonly node: string
  readonly address: string
  readonly port: number
  /** `host:port` as Kong has it, '' when the instance cannot be one. */
  readonly target: string
  readonly health: 'healthy' | 'degraded' | 'unhealthy'
  readonly weight: number
  readonly reason: string
}

export interface ServiceReport {
  readonly service: string
  readonly exposed: boolean
  readonly exposureReason: string
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
  readonly strategy: string
  readonly keptAtLastWeights: boolean
  readonly instances: readonly InstanceReport[]
}

export interface Desired {
  readonly state: KongState
  readonly services: readonly ServiceReport[]
  readonly problems: readonly Problem[]
}

/** Stateless form of `createDesired`. */
export function desired(input: DesiredInput): Desired {
  return createDesired()(input)
}

/** A `desired` that remembers what it decided per service and decides anew only what changed. */
export function createDesired(): (input: DesiredInput) => Desired {
  return () => ({ state: new Map(), services: [], problems: [] })
}
