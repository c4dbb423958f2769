/** The services that the mesh is judged by, and their counts. */

import type { CatalogSnapshot, Instance } from '../core/catalog.ts'
import { isTypical, OPERATOR_SERVICE } from '../core/exposure.ts'
import { type Health, rollUp } from '../core/health.ts'
import { targetOf } from '../core/target-address.ts'

export interface Counts {
  readonly total: number
  readonly healthy: number
  readonly degraded: number
  readonly unhealthy: number
}

export interface MeshInstance {
  readonly id: string
  /** `host:port`; IPv6 in brackets. */
  readonly address: string
  /** The same as Kong has it; '' where it cannot be a target. */
  readonly target: string
  readonly state: Health
}

/** Consul's servers, operators, sidecar proxies and gateways are how the mesh is made, not what is in it. */
export function isOfTheMesh(service: string, instances: readonly Instance[]): boolean {
  return service !== 'consul' && service !== OPERATOR_SERVICE && instances.some(isTypical)
}

export function meshServices(snapshot: CatalogSnapshot): ReadonlyMap<string, readonly MeshInstance[]> {
  const services = [...snapshot.services]
    .filter(([service, instances]) => isOfTheMesh(service, instances))
    .sort(([left], [right]) => (left < right ? -1 : 1))
  return new Map(
    services.map(([service, instances]) => [service, instances.filter(isTypical).map(meshInstance)]),
  )
}

export function meshInstance(instance: Instance): MeshInstance {
  const target = targetOf(instance.address, instance.port)
  return {
    id: instance.id,
    address: hostAndPort(instance),
    target: target.ok ? target.target : '',
    state: rollUp(instance).health,
  }
}

export function hostAndPort({ address, port }: Pick<Instance, 'address' | 'port'>): string {
  return address.includes(':') && !address.startsWith('[') ? `[${address}]:${port}` : `${address}:${port}`
}

export function countHealth(instances: readonly { readonly state: Health }[]): Counts {
  const count = (health: Health) => instances.filter(({ state }) => state === health).length
  return {
    total: instances.length,
    healthy: count('healthy'),
    degraded: count('degraded'),
    unhealthy: count('unhealthy'),
  }
}
