/** `GET /health`: the mesh in one word and one number. */

import { z } from 'zod'
import type { CatalogSnapshot } from '../core/catalog.ts'
import type { CircuitStates } from './circuit-states.ts'
import { countHealth, meshServices } from './mesh-services.ts'

const STATUSES = ['healthy', 'degraded', 'unhealthy'] as const

export const meshHealthShape = z.object({
  status: z.enum(STATUSES),
  health_score: z.number().min(0).max(1).meta({ description: 'share of healthy instances' }),
  total_services: z.int(),
  total_instances: z.int(),
  healthy_instances: z.int(),
  open_circuit_breakers: z.int().meta({ description: 'of services and of instances' }),
  consul_connected: z.boolean(),
  kong_connected: z.boolean(),
  leader: z.string().nullable().meta({ description: 'id of the operator that writes to Kong' }),
  last_sync: z.iso.datetime().nullable(),
})
export type MeshHealth = z.infer<typeof meshHealthShape>

export interface MeshHealthInput {
  readonly snapshot: CatalogSnapshot
  readonly circuits: CircuitStates
  readonly isConsulConnected: boolean
  readonly isKongConnected: boolean
  readonly leader: string | null
  /** RFC 3339. */
  readonly lastSync: string | null
}

/** An empty mesh is a healthy one. */
export function meshHealth(input: MeshHealthInput): MeshHealth {
  const services = meshServices(input.snapshot)
  const { total, healthy } = countHealth([...services.values()].flat())
  const score = total === 0 ? 1 : healthy / total
  const { instances, services: ofServices } = input.circuits
  const open = [...instances.values(), ...ofServices.values()].filter((state) => state === 'open').length
  return {
    status: statusOf(score, open),
    health_score: score,
    total_services: services.size,
    total_instances: total,
    healthy_instances: healthy,
    open_circuit_breakers: open,
    consul_connected: input.isConsulConnected,
    kong_connected: input.isKongConnected,
    leader: input.leader,
    last_sync: input.lastSync,
  }
}

function statusOf(score: number, open: number): (typeof STATUSES)[number] {
  if (score < 0.5) return 'unhealthy'
  return score < 0.8 || open > 0 ? 'degraded' : 'healthy'
}
