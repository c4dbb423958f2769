import type { MeshOptions } from '../core/desired.ts'
import type { OverridePolicy } from '../core/diff.ts'
import type { Ejection } from '../core/ejections.ts'
import type { Callers } from '../core/intentions/join-access.ts'
import type { Refusal } from '../core/settings.ts'
import type { KongTarget, KongTargetOptions } from '../kong/kong-target.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { ChangeLog } from './change-log.ts'
import type { MeshGauges } from './mesh-gauges.ts'

export interface ReconcilerOptions {
  readonly kong: Pick<KongTargetOptions, 'admin' | 'urls' | 'adminFor' | 'only' | 'isRefused' | 'onDbless'>
  readonly log: Logger
  readonly metrics: Metrics
  readonly mesh: MeshOptions
  readonly policy: OverridePolicy
  readonly dryRun: boolean
  readonly signal: AbortSignal
  /** Why nothing may be written at the moment (not the leader, paused); null when it may. */
  readonly refusal?: () => string | null
  /** Called when Kong was read and holds nothing of this mesh, before anything is written to it. */
  readonly beforeFirstWrite?: (kong: KongTarget) => Promise<void>
  /** Where several reconcilers note what they did in one place. */
  readonly changes: ChangeLog
  readonly gauges: Pick<MeshGauges, 'updateSoon'>
  /** Who calls, by what KV says; undefined while it was not read. */
  readonly callers?: () => Callers | undefined
  /** Has somebody paused the service? Then it is decided and reported, not written. */
  readonly isPaused?: (service: string) => boolean
  /** Told when it was decided anew what Kong should hold, or what people have edited there. */
  readonly onDecided?: () => void
  /** What a plugin process has taken out, by name of the upstream and `instanceKey`. */
  readonly ejection?: (upstream: string, instance: string) => Ejection | undefined
  /** All of it. */
  readonly ejections?: () => readonly Ejection[]
  /** Does no process answer for the plugins of a Kong? Then what makes Kong start them anew waits. */
  readonly arePluginsAway?: () => boolean
  /** Told which settings are refused, each time they are read. */
  readonly onRefused?: (refused: ReadonlyMap<string, Refusal>) => void
  /** Told when something is held, or held no more. */
  readonly onHolds?: () => void
}
