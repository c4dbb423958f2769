/** `GET /services`: every service of the catalog with counts. */

import { z } from 'zod'
import type { CatalogSnapshot } from '../core/catalog.ts'
import type { ServiceReport } from '../core/desired.ts'
import { type Counts, countHealth, meshInstance } from './mesh-services.ts'

export const servicesShape = z.object({
  services: z.array(
    z.object({
      service_name: z.string(),
      total: z.int(),
      healthy: z.int(),
      degraded: z.int(),
      unhealthy: z.int(),
      exposed: z.boolean().meta({ description: 'reachable through the proxy' }),
      hosts: z.array(z.string()),
      paths: z.array(z.string()),
    }),
  ),
  total: z.int(),
})

export interface ListedService extends Counts {
  readonly service_name: string
  readonly exposed: boolean
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
}

/** @param reports what was decided about each; a service that is too new for that is listed as not exposed */
export function listServices(
  snapshot: CatalogSnapshot,
  reports: readonly ServiceReport[],
): { readonly services: readonly ListedService[]; readonly total: number } {
  const decided = new Map(reports.map((each) => [each.service, each]))
  const services = [...snapshot.services]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([service, instances]) => {
      const report = decided.get(service)
      return {
        service_name: service,
        ...countHealth(instances.map(meshInstance)),
        exposed: report?.exposed ?? false,
        hosts: report?.hosts ?? [],
        paths: report?.paths ?? [],
      }
    })
  return { services, total: services.length }
}
