import type { CatalogSnapshot } from '../core/catalog.ts'
import type { ServiceReport } from '../core/desired.ts'
import { notReadYet, RequestError } from '../http/request-error.ts'
import { unknownService } from '../http/unknown-service.ts'

/**
 * The host that the proxy knows a service by.
 * @throws RequestError 404 for a service that is not in the catalog, 503 for one that cannot be called now
 */
export function hostOf(
  service: string,
  snapshot: CatalogSnapshot | null,
  reports: readonly ServiceReport[],
): string {
  if (snapshot === null) throw notReadYet()
  if (!snapshot.services.has(service)) throw unknownService(service, snapshot.services.keys())
  const report = reports.find((each) => each.service === service)
  const host = report?.hosts.find((each) => !each.includes('*'))
  if (report === undefined || host === undefined) {
    const why = report === undefined || report.exposed ? 'it has no host route' : report.exposureReason
    throw new RequestError(503, `service ${service} cannot be called through the proxy: ${why}`)
  }
  if (!report.instances.some(({ weight }) => weight > 0)) {
    throw new RequestError(503, `service ${service} has no instance that can be asked`)
  }
  return host
}
