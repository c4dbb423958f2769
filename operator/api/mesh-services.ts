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

/** By name, sorted. */
export function meshServices(snapshot: CatalogSnapshot): ReadonlyMap<string, readonly MeshInstance[]> {
  const known = bySnapshot.get(snapshot)
  if (known !== undefined) return known
  const services = [...snapshot.services]
    .filter(([service, instances]) => isOfTheMesh(service, instances))
    .sort(([left], [right]) => (left < right ? -1 : 1))
  const found = new Map(services.map(([service, instances]) => [service, meshInstances(instances)]))
  bySnapshot.set(snapshot, found)
  return found
}

function meshInstances(instances: readonly Instance[]): readonly MeshInstance[] {
  const known = byList.get(instances)
  if (known !== undefined) return known
  const found = instances.filter(isTypical).map(meshInstance)
  byList.set(instances, found)
  return found
}

/** Neither changes once made, and of thousands of lists hardly any is another one in the next snapshot. */
const bySnapshot = new WeakMap<CatalogSnapshot, ReadonlyMap<string, readonly MeshInstance[]>>()
const byList = new WeakMap<readonly Instance[], readonly MeshInstance[]>()

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
