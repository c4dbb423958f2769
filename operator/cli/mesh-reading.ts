import type { CatalogSnapshot } from '../core/catalog.ts'
import { type Desired, type DesiredInput, desired, type MeshOptions } from '../core/desired.ts'
import { type Diff, diff } from '../core/diff.ts'
import { withoutEjected } from '../core/ejected-weights.ts'
import { type Ejection, ejectionsIn } from '../core/ejections.ts'
import { isOfCalled, type KongState } from '../core/entity.ts'
import { rememberedHolds } from '../core/hold-memory.ts'
import { isUnwritable } from '../core/missing-plugins.ts'
import { type PlanReport, planReport } from '../core/plan-report.ts'
import type { MeshPlugin } from '../core/service-plugins.ts'
import { acceptDocuments, type KvRows } from '../core/settings-status.ts'
import { indexDesired, indexOwned } from '../sync/desired-index.ts'
import { holdProblems } from '../sync/hold-problems.ts'
import { Holds } from '../sync/holds.ts'
import type { OperatorConfig } from '../sync/operator-config.ts'
import { sharedRedis } from '../sync/shared-redis.ts'
import { silentLogger } from '../telemetry/logger.ts'

/** Consul and Kong as they are now, and what lies between them. */
export interface MeshReading {
  readonly snapshot: CatalogSnapshot
  readonly actual: KongState
  readonly desired: Desired
  readonly diff: Diff
  readonly plan: PlanReport
  /** Kong has no database: nothing in it is an override but the health of targets. */
  readonly isDbless: boolean
  /** Instances that the breaker has taken out, by what KV says. */
  readonly ejections: readonly Ejection[]
}

export interface KongReading {
  readonly actual: KongState
  /** Plugins of kongsul that Kong has loaded. */
  readonly plugins: readonly MeshPlugin[]
  /** Of KV below `mesh/status/`, `mesh/guard/`, `mesh/ejections/`: the last good settings, what is held or ejected. */
  readonly rows?: KvRows
  readonly isDbless?: boolean
  /** Kong takes no health marks: what is ejected weighs nothing. */
  readonly isControlPlane?: boolean
}

/**
 * What Kong should hold for these two sides, and what it lacks. What an
 * operator would hold if it began now is held here as well.
 */
export function reading(
  config: OperatorConfig,
  snapshot: CatalogSnapshot,
  documents: ReadonlyMap<string, string>,
  { actual, plugins, rows = new Map(), isDbless = false, isControlPlane = false }: KongReading,
): MeshReading {
  const { accepted, problems } = acceptDocuments(null, documents, rows)
  const input = { snapshot, settings: accepted, options: { ...meshOptions(config), plugins }, actual }
  const ejections = [...ejectionsIn(rows).values()]
  const held = hold(config, input, rows)
  const { holds } = held
  const wanted = isControlPlane ? withoutEjected(held.wanted, ejections, config.mesh) : held.wanted
  const policy = (service: string) => {
    if (isDbless) return 'revert'
    // What a service or the mesh says in Consul, else what the process was started with.
    const { settings, sources } = accepted.forService(service, snapshot.services.get(service) ?? [])
    const isSaid = (sources['overrides.policy'] ?? 'built-in') !== 'built-in'
    return isSaid ? settings.overrides.policy : config.overrides.policy
  }
  const differing = diff(actual, wanted.state, { mesh: config.mesh, policy })
  const changes = differing.changes.filter((change) => !isUnwritable(change, plugins))
  const found = { ...differing, changes }
  const all = [...holdProblems(holds.list()), ...problems, ...wanted.problems]
  return {
    snapshot,
    actual,
    desired: { ...wanted, problems: all },
    diff: found,
    isDbless,
    ejections,
    plan: planReport({
      mesh: config.mesh,
      problems: all,
      diff: found,
      holds: holds.list(),
      dbless: isDbless,
      isHeld: (change) => holds.isHeld(change, (service) => !hasAny(wanted, service)),
    }),
  }
}

function hold(
  { mesh }: OperatorConfig,
  input: DesiredInput,
  rows: KvRows,
): { readonly wanted: Desired; readonly holds: Holds } {
  const holds = new Holds({ log: silentLogger, onDue: () => {}, onChange: () => {} })
  holds.remember(rememberedHolds(rows, mesh))
  const before = indexOwned(input.actual, mesh)
  const holdMs = input.settings.mesh.settings.guard.holdSeconds * 1000
  let wanted = desired(input)
  if (holds.reviewWeights(input.snapshot, before, indexDesired(wanted, before), holdMs)) {
    wanted = desired({ ...input, heldWeights: holds.weights })
  }
  holds.reviewRemovals(before, indexDesired(wanted, before), holdMs)
  holds.stop()
  return { wanted, holds }
}

const hasAny = ({ state }: Desired, service: string): boolean =>
  [...state.values()].some((each) => each.owner === service && isOfCalled(each))

/** What deciding needs of the process's configuration. */
function meshOptions({ mesh, hostSuffix, expose, outcomes, redis }: OperatorConfig): MeshOptions {
  const shared = sharedRedis(redis) ?? undefined
  return {
    mesh,
    hostSuffix,
    outcomes,
    redis: shared,
    ...(expose === undefined ? {} : { exposeDefault: expose }),
  }
}
