/** `GET /topology`: who is there, in which state, and who calls whom. */

import { z } from 'zod'
import type { CatalogSnapshot } from '../core/catalog.ts'
import type { CircuitStates } from './circuit-states.ts'
import { countHealth, meshServices } from './mesh-services.ts'

export const STATES = ['healthy', 'degraded', 'unhealthy', 'unknown'] as const
const CIRCUIT_STATES = ['closed', 'open', 'half_open'] as const

export const topologyShape = z.object({
  services: z.record(
    z.string(),
    z.object({
      instances: z.array(
        z.object({
          id: z.string(),
          address: z.string(),
          state: z.enum(STATES),
          connections: z.number().meta({ description: 'requests in flight, on average of the last 10 s' }),
          circuit_breaker: z.boolean().meta({ description: 'its circuit is open or half open' }),
        }),
      ),
      total: z.int(),
      healthy: z.int(),
    }),
  ),
  total_instances: z.int(),
  healthy_instances: z.int(),
  circuit_breakers: z.record(z.string(), z.enum(CIRCUIT_STATES)),
  service_circuits: z.record(z.string(), z.enum(CIRCUIT_STATES)),
  dependencies: z.record(z.string(), z.array(z.string())),
})
export type Topology = z.infer<typeof topologyShape>

export interface TopologyInput {
  readonly snapshot: CatalogSnapshot
  readonly circuits: CircuitStates
  /** Requests in flight at `host:port` of a service. */
  readonly connections: (service: string, target: string) => number
  /** Callees by caller, as traces show them. */
  readonly dependencies: ReadonlyMap<string, readonly string[]>
}

export function topology({ snapshot, circuits, connections, dependencies }: TopologyInput): Topology {
  const services = meshServices(snapshot)
  const all = [...services.values()].flat()
  const circuitOf = (id: string) => circuits.instances.get(id) ?? 'closed'
  return {
    services: Object.fromEntries(
      [...services].map(([service, instances]) => {
        const { total, healthy } = countHealth(instances)
        const shown = instances.map(({ id, address, target, state }) => ({
          id,
          address,
          state,
          connections: target === '' ? 0 : connections(service, target),
          circuit_breaker: circuitOf(id) !== 'closed',
        }))
        return [service, { instances: shown, total, healthy }]
      }),
    ),
    total_instances: all.length,
    healthy_instances: countHealth(all).healthy,
    circuit_breakers: Object.fromEntries(all.map(({ id }) => [id, circuitOf(id)])),
    service_circuits: Object.fromEntries(
      [...services.keys()].map((service) => [service, circuits.services.get(service) ?? 'closed']),
    ),
    dependencies: Object.fromEntries([...dependencies].map(([caller, callees]) => [caller, [...callees]])),
  }
}
