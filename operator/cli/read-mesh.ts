import { createConsulReader } from '../consul/consul-reader.ts'
import { inParallel } from '../consul/in-parallel.ts'
import type { CatalogSnapshot } from '../core/catalog.ts'
import { instancesFromRows } from '../core/consul-row.ts'
import { type Desired, desired } from '../core/desired.ts'
import { type Diff, diff } from '../core/diff.ts'
import type { KongState } from '../core/entity.ts'
import { acceptSettings } from '../core/settings.ts'
import { KongAdmin } from '../kong/kong-admin.ts'
import { readState } from '../kong/read-state.ts'
import type { ConsulConfig, KongConfig, OperatorConfig } from '../sync/operator-config.ts'
import { createMetrics, type Metrics } from '../telemetry/metrics.ts'
import { meshOptions } from './mesh-options.ts'

/** Consul and Kong as they are now, and what lies between them. */
export interface MeshReading {
  readonly snapshot: CatalogSnapshot
  readonly actual: KongState
  readonly desired: Desired
  readonly diff: Diff
}

const PARALLEL = 8

/** Reads both sides once, changes nothing. @throws ConsulError, KongError: a partial read is a failed read. */
export async function readMesh(config: OperatorConfig): Promise<MeshReading> {
  const metrics = createMetrics('')
  const [{ snapshot, documents }, actual] = await Promise.all([
    readConsul(config.consul, metrics),
    readKong(config.kong, config.mesh, metrics),
  ])
  const { accepted, problems } = acceptSettings(null, documents)
  const wanted = desired({
    snapshot,
    settings: accepted,
    options: meshOptions(config),
    actual,
  })
  return {
    snapshot,
    actual,
    desired: { ...wanted, problems: [...problems, ...wanted.problems] },
    diff: diff(actual, wanted.state, { mesh: config.mesh, policy: config.overrides.policy }),
  }
}

/** The catalog and the settings documents. */
export async function readConsul(
  config: ConsulConfig,
  metrics: Metrics = createMetrics(''),
): Promise<{ snapshot: CatalogSnapshot; documents: ReadonlyMap<string, string> }> {
  const reader = createConsulReader(config, metrics)
  try {
    const names = Object.keys((await reader.services({ stale: false })).body)
    const services = await inParallel(names, PARALLEL, async (name) => {
      const { body } = await reader.service(name, { stale: false })
      return [name, instancesFromRows(body)] as const
    })
    const keys = (await reader.keys('mesh/', { stale: false })).body
    const documents = keys
      .filter(({ Key }) => Key === 'mesh/defaults' || /^mesh\/services\/./.test(Key))
      .map(({ Key, Value }) => [Key, Value ?? ''] as const)
    return { snapshot: { services: new Map(services) }, documents: new Map(documents) }
  } finally {
    reader.close()
  }
}

/** All entities of Kong that kongsul looks at. */
export async function readKong(
  config: KongConfig,
  mesh: string,
  metrics: Metrics = createMetrics(''),
): Promise<KongState> {
  const admin = new KongAdmin(config, metrics)
  try {
    return await readState(admin, { mesh })
  } finally {
    admin.close()
  }
}
