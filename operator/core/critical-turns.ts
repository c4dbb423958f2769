/** Which targets turned critical between two snapshots. */

import type { CatalogSnapshot, Instance } from './catalog.ts'
import { isTypical } from './exposure.ts'
import { rollUp } from './health.ts'
import { targetOf } from './target-address.ts'

/** Targets of one service by what their checks say; those in maintenance are in neither. */
export interface TargetHealth {
  readonly up: ReadonlySet<string>
  readonly critical: ReadonlySet<string>
}

/** Registered twice, the better of two healths counts, as for the weight. */
export function targetHealth(instances: readonly Instance[]): TargetHealth {
  const known = remembered.get(instances)
  if (known !== undefined) return known
  const up = new Set<string>()
  const critical = new Set<string>()
  for (const instance of instances) {
    const address = targetOf(instance.address, instance.port)
    if (!address.ok || !isTypical(instance)) continue
    const { health, isMaintenance } = rollUp(instance)
    if (health !== 'unhealthy') up.add(address.target)
    else if (!isMaintenance) critical.add(address.target)
  }
  for (const target of up) critical.delete(target)
  const found = { up, critical }
  remembered.set(instances, found)
  return found
}

/** Lists of instances keep their identity while unchanged. */
const remembered = new WeakMap<readonly Instance[], TargetHealth>()

export interface TurnedCritical {
  readonly service: string
  /** `host:port` */
  readonly target: string
}

/** What was up and is critical now; what came as critical, or out of maintenance, has not turned. */
export function turnedCritical(before: CatalogSnapshot, after: CatalogSnapshot): readonly TurnedCritical[] {
  if (before === after) return []
  const turned: TurnedCritical[] = []
  for (const [service, instances] of after.services) {
    const old = before.services.get(service)
    if (old === undefined || old === instances) continue
    const { up } = targetHealth(old)
    for (const target of targetHealth(instances).critical)
      if (up.has(target)) turned.push({ service, target })
  }
  return turned
}
