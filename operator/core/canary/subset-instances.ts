/** Which instances a subset has, by Consul's filter, and whether they can serve. */

import type { CatalogSnapshot } from '../catalog.ts'
import { isTypical } from '../exposure.ts'
import { memberKey } from '../policy/subset-members.ts'
import type { InstanceReport } from '../targets.ts'

export interface SubsetInstances {
  /** `host:port`. */
  readonly targets: ReadonlySet<string>
  /** Why none of them can serve; null when one can. */
  readonly fault: string | null
}

/**
 * @param reports what was decided about the instances of the service
 * @param isEjected does the circuit breaker keep it out?
 * @returns null while Consul has not said who is in the subset
 */
export function subsetInstances(
  service: string,
  subset: string,
  { services, policies }: CatalogSnapshot,
  reports: readonly InstanceReport[],
  isEjected: (target: string) => boolean,
): SubsetInstances | null {
  const found = policies?.entries.resolvers.get(service)?.Subsets?.[subset]
  if (found === undefined) return nobody(`service-resolver ${service} has no subset ${subset} any more`)
  const { Filter = '' } = found
  const members = Filter === '' ? null : policies!.members.of(service, Filter)
  if (members === undefined) return null
  const instances = (services.get(service) ?? []).filter(isTypical)
  const keys = new Set(instances.map(memberKey).filter((key) => members === null || members.has(key)))
  const own = reports.filter((report) => report.target !== '' && keys.has(memberKey(report)))
  const targets = new Set(own.map(({ target }) => target))
  if (own.length === 0) return nobody(`subset ${subset} of ${service} has no instance`)
  const serving = own.filter(({ health }) => health === 'healthy' || health === 'degraded')
  if (serving.length === 0) {
    return { targets, fault: `no instance of subset ${subset} of ${service} is healthy` }
  }
  const isOut = serving.every(({ target }) => isEjected(target))
  return {
    targets,
    fault: isOut ? `the circuit breaker keeps every instance of subset ${subset} of ${service} out` : null,
  }
}

const nobody = (fault: string): SubsetInstances => ({ targets: new Set(), fault })
