/** What `GET /discover/{service}` says of instances. */

import { z } from 'zod'
import type { Instance } from '../core/catalog.ts'
import { weightsInMeta } from '../core/service-meta.ts'
import { CHECK_META } from './check-meta.ts'
import { hostAndPort, meshInstance } from './mesh-services.ts'
import { STATES } from './topology.ts'

export const discoverShape = z.object({
  service_name: z.string(),
  instances: z.array(
    z.object({
      id: z.string(),
      address: z.string().meta({ description: 'host:port' }),
      state: z.enum(STATES),
      tags: z.array(z.string()),
      metadata: z.record(z.string(), z.string()),
      weight: z.int().meta({ description: 'as registered; Kong has 0 for an instance that is unhealthy' }),
    }),
  ),
  total: z.int(),
  healthy: z.int(),
  cached: z.boolean(),
  age_seconds: z.number().min(0),
  stale: z
    .literal(true)
    .optional()
    .meta({ description: 'Consul does not answer; this is what it said last' }),
})
export type Discovered = z.infer<typeof discoverShape>

export type DiscoveredInstances = Pick<Discovered, 'instances' | 'total' | 'healthy'>

export function discovered(instances: readonly Instance[]): DiscoveredInstances {
  const shown = instances.map((instance) => ({
    id: instance.id,
    address: hostAndPort(instance),
    state: meshInstance(instance).state,
    tags: [...instance.tags],
    metadata: withoutOurs(instance.meta),
    weight: weightsInMeta(instance).passing ?? instance.weights.passing,
  }))
  const healthy = shown.filter(({ state }) => state === 'healthy').length
  return { instances: shown, total: shown.length, healthy }
}

/** What kongsul itself keeps in the meta is no one's metadata. */
const withoutOurs = (meta: Instance['meta']): Record<string, string> =>
  Object.fromEntries(Object.entries(meta).filter(([key]) => key !== CHECK_META))
