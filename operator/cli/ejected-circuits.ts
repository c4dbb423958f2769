import type { ServiceReport } from '../core/desired.ts'
import type { Ejection } from '../core/ejections.ts'
import { upstreamName } from '../core/names.ts'
import { type CircuitRow, listCircuits } from '../sync/list-circuits.ts'

/** Ejections of KV as circuits, for when no operator tells what the plugin processes say. */
export function ejectedCircuits(
  ejections: readonly Ejection[],
  services: readonly Pick<ServiceReport, 'service' | 'instances'>[],
): readonly CircuitRow[] {
  const views = services.map(({ service, instances }) => ({
    service,
    serviceId: '',
    upstream: upstreamName(service),
    upstreamId: '',
    routes: [],
    instances,
    mode: 'auto',
    ejections: [],
  }))
  return listCircuits([], ejections, views, new Map())
}
