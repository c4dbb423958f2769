import type { CatalogSnapshot } from '../core/catalog.ts'
import { type Desired, desired, type MeshOptions } from '../core/desired.ts'
import { type Diff, diff } from '../core/diff.ts'
import type { KongState } from '../core/entity.ts'
import { acceptDocuments, type KvRows } from '../core/settings-status.ts'
import type { OperatorConfig } from '../sync/operator-config.ts'

/** Consul and Kong as they are now, and what lies between them. */
export interface MeshReading {
  readonly snapshot: CatalogSnapshot
  readonly actual: KongState
  readonly desired: Desired
  readonly diff: Diff
}

/**
 * What Kong should hold for these two sides, and what it lacks. Pure.
 * @param rows of KV below `mesh/status/`: the last good settings
 */
export function reading(
  config: OperatorConfig,
  snapshot: CatalogSnapshot,
  documents: ReadonlyMap<string, string>,
  actual: KongState,
  rows: KvRows = new Map(),
): MeshReading {
  const { accepted, problems } = acceptDocuments(null, documents, rows)
  const wanted = desired({ snapshot, settings: accepted, options: meshOptions(config), actual })
  const policy = (service: string) => {
    // What a service or the mesh says in Consul, else what the process was started with.
    const { settings, sources } = accepted.forService(service, snapshot.services.get(service) ?? [])
    const isSaid = (sources['overrides.policy'] ?? 'built-in') !== 'built-in'
    return isSaid ? settings.overrides.policy : config.overrides.policy
  }
  return {
    snapshot,
    actual,
    desired: { ...wanted, problems: [...problems, ...wanted.problems] },
    diff: diff(actual, wanted.state, { mesh: config.mesh, policy }),
  }
}

/** What deciding needs of the process's configuration. */
function meshOptions({ mesh, hostSuffix, expose }: OperatorConfig): MeshOptions {
  return { mesh, hostSuffix, ...(expose === undefined ? {} : { exposeDefault: expose }) }
}
