/** What an instance's checks mean for traffic. */

import type { Check, Instance } from './catalog.ts'

export type Health = 'healthy' | 'degraded' | 'unhealthy'

export interface RolledUp {
  readonly health: Health
  /** Somebody took the instance out (`consul maint`): unlike a failing check, this always empties. */
  readonly isMaintenance: boolean
  readonly reason: string
}

/**
 * Maintenance, then any critical check, then any warning; all passing or none at all is healthy. Checks of the node
 * count like the instance's own.
 */
export function rollUp(instance: Pick<Instance, 'id' | 'checks'>): RolledUp {
  const maintenance = instance.checks.find((check) => maintenanceOf(check, instance.id) !== null)
  if (maintenance !== undefined) {
    return { health: 'unhealthy', isMaintenance: true, reason: maintenanceOf(maintenance, instance.id)! }
  }
  const checks = instance.checks.filter((check) => check.serviceId === '' || check.serviceId === instance.id)
  const critical = firstWith(checks, 'critical')
  if (critical !== undefined) return { health: 'unhealthy', isMaintenance: false, reason: failing(critical) }
  const warning = firstWith(checks, 'warning')
  if (warning !== undefined) return { health: 'degraded', isMaintenance: false, reason: failing(warning) }
  const reason = checks.length === 0 ? 'no checks' : `${checks.length} of ${checks.length} checks passing`
  return { health: 'healthy', isMaintenance: false, reason }
}

/** Consul's own ids: agent/structs `NodeMaint` and `ServiceMaintPrefix`. */
function maintenanceOf(check: Check, instanceId: string): string | null {
  if (check.status !== 'critical') return null
  if (check.id === '_node_maintenance') return 'node in maintenance'
  return check.id === `_service_maintenance:${instanceId}` ? 'in maintenance' : null
}

/** The lowest id, so that the reason does not depend on the order of the checks. */
const firstWith = (checks: readonly Check[], status: Check['status']): Check | undefined =>
  checks.filter((check) => check.status === status).sort((left, right) => (left.id < right.id ? -1 : 1))[0]

const failing = (check: Check): string =>
  `${check.serviceId === '' ? 'node check' : 'check'} "${check.name || check.id}" ${check.status}`
