import { isAskable } from '../consul/askable-name.ts'
import { type ConsulReader, createConsulReader } from '../consul/consul-reader.ts'
import { inParallel } from '../consul/in-parallel.ts'
import { documentsOf, rowsOf, SETTINGS_PREFIX } from '../consul/settings-watch.ts'
import type { CatalogSnapshot } from '../core/catalog.ts'
import { instancesFromRows } from '../core/consul-row.ts'
import { keyOf } from '../core/entity.ts'
import { joinPlans } from '../core/plan-report.ts'
import type { KvRows } from '../core/settings-status.ts'
import { isControlPlane } from '../kong/is-control-plane.ts'
import { readMeshPlugins } from '../kong/read-plugins.ts'
import { readState } from '../kong/read-state.ts'
import type { ConsulConfig, OperatorConfig } from '../sync/operator-config.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { type MeshReading, reading } from './mesh-reading.ts'
import { type ReachedKong, reachKong } from './reach-kong.ts'

/** Both sides, opened once and read as often as wanted. */
export interface OpenMesh {
  /** Changes nothing. @throws ConsulError, KongError: a partial read is a failed read. */
  read(): Promise<MeshReading>
  close(): void
}

const PARALLEL = 8

export function openMesh(config: OperatorConfig): OpenMesh {
  const metrics = createMetrics('')
  const reader = createConsulReader(config.consul, metrics)
  let reached: Promise<ReachedKong> | null = null
  const reach = () => {
    reached ??= reachKong(config.kong).catch((error: unknown) => {
      reached = null
      throw error
    })
    return reached
  }
  const readKong = async () => {
    const { admins, kind } = await reach()
    const states = await Promise.all(
      admins.map(async (admin) => ({
        actual: await readState(admin, { mesh: config.mesh }),
        plugins: await readMeshPlugins(admin),
      })),
    )
    const isControl = kind === 'database' && (await isControlPlane(admins[0]))
    return { states, isDbless: kind === 'dbless', isControlPlane: isControl }
  }
  return {
    async read() {
      const [{ snapshot, documents, rows }, { states, ...kong }] = await Promise.all([
        readCatalog(reader),
        readKong(),
      ])
      const each = states.map(({ actual, plugins }) =>
        reading(config, snapshot, documents, { actual, plugins, rows, ...kong }),
      )
      return withAllChanges(each[0]!, each)
    },
    close() {
      reader.close()
      void reached?.then(({ admins }) => admins.forEach((admin) => void admin.close())).catch(() => {})
    },
  }
}

/** Nodes without database may lack different things: what any of them lacks is to be done. */
function withAllChanges(first: MeshReading, all: readonly MeshReading[]): MeshReading {
  if (all.length === 1) return first
  const changes = new Map(
    all.flatMap(({ diff }) =>
      diff.changes.map((change) => [`${change.action} ${keyOf(change.entity)}`, change]),
    ),
  )
  const plan = joinPlans(all.map((each) => each.plan))
  return { ...first, plan, diff: { ...first.diff, changes: [...changes.values()] } }
}

/** Reads both sides once. */
export async function readMesh(config: OperatorConfig): Promise<MeshReading> {
  const mesh = openMesh(config)
  try {
    return await mesh.read()
  } finally {
    mesh.close()
  }
}

/** The catalog alone. */
export async function readSnapshot(config: ConsulConfig): Promise<CatalogSnapshot> {
  const reader = createConsulReader(config, createMetrics(''))
  try {
    return (await readCatalog(reader)).snapshot
  } finally {
    reader.close()
  }
}

/** Consul, read once. */
export interface CatalogReading {
  readonly snapshot: CatalogSnapshot
  readonly documents: ReadonlyMap<string, string>
  /** What KV tells of settings that were refused, of what is held, and of ejected instances. */
  readonly rows: KvRows
}

/** @throws ConsulError: a partial read is a failed read */
export async function readCatalog(reader: ConsulReader): Promise<CatalogReading> {
  const names = Object.keys((await reader.services({ stale: false })).body).filter(isAskable)
  const services = await inParallel(names, PARALLEL, async (name) => {
    const { body } = await reader.service(name, { stale: false })
    return [name, instancesFromRows(body)] as const
  })
  const { body: keys } = await reader.keys(SETTINGS_PREFIX, { stale: false })
  return {
    snapshot: { services: new Map(services) },
    documents: documentsOf(keys),
    rows: rowsOf(keys),
  }
}
