import type { ServiceReport } from '../core/desired.ts'
import type { Override } from '../core/diff.ts'
import type { HoldKind } from '../core/hold-memory.ts'
import type { Problem } from '../core/problem.ts'
import type { StandingMark } from '../kong/passive-healer.ts'
import type { Leader } from '../leader/election.ts'
import { type IntentionsStatus, intentionsStatus } from './intentions-status.ts'
import type { KongFleet } from './kong-fleet.ts'
import { kongFault, nodeProblems, notReadyNodes } from './kong-node-status.ts'
import type { OperatorConfig } from './operator-config.ts'
import type { PauseBook } from './pause-book.ts'
import type { FailingService } from './service-queue.ts'

/** What `GET /api/v1/mesh/v2/status` answers. Times are RFC 3339, durations ms. */
export interface OperatorStatus {
  readonly version: string
  readonly mesh: string
  /** Of default hosts: `<service>.<host_suffix>`. */
  readonly host_suffix: string
  /** Which services are reachable where neither they nor KV `mesh/defaults` say; null where the operator was not told. */
  readonly expose_default: 'tagged' | 'all' | null
  /** What becomes of fields that were edited in Kong, where neither the service nor the mesh says. */
  readonly overrides_policy: 'keep' | 'revert'
  readonly started_at: string
  readonly dry_run: boolean
  /** Whether this operator is the one that writes to Kong. */
  readonly leading: boolean
  /** Who writes to Kong; null while nobody is known to. */
  readonly leader: Leader | null
  readonly ready: boolean
  /** Why it is not ready; empty when it is. */
  readonly reasons: readonly string[]
  /** datacenter: null until it is known. */
  readonly consul: ConnectionStatus & { readonly datacenter: string | null }
  readonly kong: ConnectionStatus & {
    readonly version: string | null
    readonly worker_state_update_frequency: number | null
    /** Without one, `off`, fields cannot be overridden by hand; null until a node has answered. */
    readonly database: 'on' | 'off' | null
    /** Every Admin URL. */
    readonly nodes: readonly {
      readonly url: string
      readonly connected: boolean
      readonly error: string | null
      /** false: another node of the same database is used. */
      readonly used: boolean
      /** Services that it lacks something of; null where that is not known, or the same as for the node in use. */
      readonly pending: number | null
    }[]
  }
  readonly proxy_url: string
  /** Pages of other systems; null where the configuration names none. */
  readonly links: {
    readonly grafana: string | null
    readonly prometheus: string | null
    readonly jaeger: string | null
  }
  readonly last_sync: string | null
  /** Consul's answer -> Kong has all of it, over the last 500 changes. */
  readonly lag: { readonly last: number; readonly p50: number; readonly p95: number } | null
  readonly totals: {
    readonly services: number
    readonly exposed: number
    readonly instances: number
    readonly healthy: number
    readonly degraded: number
    readonly unhealthy: number
  }
  readonly services: readonly (ServiceReport & {
    readonly state: 'in_sync' | 'pending' | 'failing' | 'paused'
  })[]
  /** Service `*` is the whole mesh; until null: until it is resumed. */
  readonly paused: readonly {
    readonly service: string
    readonly reason: string
    readonly by: string
    readonly since: string | null
    readonly until: string | null
  }[]
  readonly problems: readonly Problem[]
  readonly overrides: readonly Override[]
  readonly pending: readonly string[]
  readonly failing: readonly {
    readonly service: string
    readonly attempt: number
    readonly message: string
    readonly next_try: string
  }[]
  /** What waits because too much happened at once: removals, or weights of what turned critical. */
  readonly held: readonly {
    readonly kind: HoldKind
    readonly service: string
    readonly target: string
    readonly since: string
    readonly until: string
  }[]
  readonly marks: readonly {
    readonly service: string
    readonly target: string
    readonly since: string
    readonly failures: number
  }[]
  readonly intentions: IntentionsStatus
  /** With dry_run, and for paused services: what would be written. */
  readonly planned: readonly {
    readonly action: string
    readonly kind: string
    readonly name: string
    readonly service: string
    readonly fields: readonly string[]
  }[]
}

export interface ConnectionStatus {
  readonly url: string
  readonly connected: boolean
  /** What the last failure was, while not connected. */
  readonly error: string | null
}

export interface StatusSources {
  readonly config: OperatorConfig
  readonly version: string
  readonly startedAtMs: number
  readonly fleet: KongFleet
  readonly pauses: PauseBook
  readonly isLeading: boolean
  /** KV was written by a newer version: nothing is written. */
  readonly formatRefusal?: string | null
  /** Another operator leads. */
  readonly isStandby: boolean
  readonly leader: Leader | null
  /** What keeps this operator from taking part in the election; null while nothing does. */
  readonly electionTrouble?: string | null
  /** null while reads of Consul work. */
  readonly consulDoubt: string | null
  /** null until it is known. */
  readonly datacenter: string | null
  readonly kongNode: { readonly version: string | null; readonly updateFrequency: number | null }
}

export function operatorStatus(sources: StatusSources): OperatorStatus {
  const { config, fleet, pauses, consulDoubt, kongNode } = sources
  const reconciler = fleet.primary
  // What one that stands by would write if it led is what another one writes.
  const nodes = sources.isStandby ? fleet.nodes().map((node) => ({ ...node, pending: [] })) : fleet.nodes()
  const fault = kongFault(nodes)
  const reasons = notReadyReasons(sources)
  const failing = failingServices(fleet)
  const failingNames = new Set(failing.map(({ service }) => service))
  const pending = [...new Set(nodes.flatMap((node) => node.pending))].sort()
  const pendingNames = new Set(pending)
  const services = reconciler.desired.services
  const instances = services.flatMap((service) => service.instances)
  const count = (health: string) => instances.filter((instance) => instance.health === health).length
  const stateOf = (service: string) =>
    pauses.pauseFor(service) !== null
      ? 'paused'
      : failingNames.has(service)
        ? 'failing'
        : pendingNames.has(service)
          ? 'pending'
          : 'in_sync'
  return {
    version: sources.version,
    mesh: config.mesh,
    host_suffix: config.hostSuffix,
    expose_default: config.expose ?? null,
    overrides_policy: config.overrides.policy,
    started_at: iso(sources.startedAtMs),
    dry_run: config.dryRun,
    leading: sources.isLeading,
    leader: sources.leader,
    ready: reasons.length === 0,
    reasons,
    consul: {
      url: config.consul.url,
      connected: consulDoubt === null,
      error: consulDoubt,
      datacenter: sources.datacenter,
    },
    kong: {
      url: config.kong.adminUrl,
      connected: fault === null,
      error: fault,
      version: kongNode.version,
      worker_state_update_frequency: kongNode.updateFrequency,
      database: DATABASES[reconciler.kong.kind ?? 'unknown'],
      nodes: nodes.map(({ url, isConnected, isUsed, error, pending }) => ({
        url,
        connected: isConnected,
        error,
        used: isUsed,
        pending: isUsed && isConnected ? pending.length : null,
      })),
    },
    proxy_url: config.proxyUrl,
    links: {
      grafana: config.links?.grafana ?? null,
      prometheus: config.links?.prometheus ?? null,
      jaeger: config.links?.jaeger ?? null,
    },
    last_sync: reconciler.lastSyncMs === null ? null : iso(reconciler.lastSyncMs),
    lag: reconciler.lag.summary(),
    totals: {
      services: services.length,
      exposed: services.filter((service) => service.exposed).length,
      instances: instances.length,
      healthy: count('healthy'),
      degraded: count('degraded'),
      unhealthy: count('unhealthy'),
    },
    services: services.map((service) => ({ ...service, state: stateOf(service.service) })),
    paused: pauses.list().map(({ service, reason, by, sinceMs, untilMs }) => ({
      service,
      reason,
      by,
      since: sinceMs === null ? null : iso(sinceMs),
      until: untilMs === null ? null : iso(untilMs),
    })),
    problems: [
      ...nodeProblems(nodes),
      ...electionProblems(sources),
      ...pauses.problems(),
      ...fleet.problems(),
    ],
    overrides: reconciler.overrides(),
    pending,
    failing: failing.map(({ service, attempt, error, nextTryAtMs }) => ({
      service,
      attempt,
      message: error.message,
      next_try: iso(nextTryAtMs),
    })),
    held: reconciler.holds.map(({ kind, service, target, sinceMs, untilMs }) => ({
      kind,
      service,
      target,
      since: iso(sinceMs),
      until: iso(untilMs),
    })),
    intentions: intentionsStatus(fleet.all),
    marks: fleet.all.flatMap(({ marks }) => marks.standing().map(markStatus)),
    planned: fleet.planned().map(({ action, entity, service, fields }) => ({
      action,
      kind: entity.kind,
      name: entity.name,
      service,
      fields,
    })),
  }
}

/** Empty when the operator is ready: synced once, or standing by for the one that writes; both sides reachable. */
export function notReadyReasons({
  fleet,
  consulDoubt,
  isStandby,
  formatRefusal = null,
  electionTrouble = null,
}: StatusSources): readonly string[] {
  const synced = notReadyNodes(fleet.nodes(), isStandby)
  // It goes on serving what was written; one that never wrote waits for nothing else.
  const isBlocked = electionTrouble !== null && !isStandby && synced.length > 0
  const nodes = isBlocked ? [`${NO_PART}: ${electionTrouble}`, ...synced] : synced
  const reasons = formatRefusal === null ? nodes : [formatRefusal, ...nodes]
  return consulDoubt === null ? reasons : [`Consul: ${consulDoubt}`, ...reasons]
}

const NO_PART = 'it takes no part in the election of the operator that writes to Kong'

function electionProblems({ electionTrouble = null, isStandby }: StatusSources): Problem[] {
  if (electionTrouble === null) return []
  const rest = isStandby
    ? 'another one leads now, and could not be replaced'
    : 'while no other one leads, nothing is written'
  const message = `${NO_PART}: ${electionTrouble}; ${rest}`
  return [{ code: 'ELECTION_BLOCKED', severity: isStandby ? 'warning' : 'error', service: '', message }]
}

/** By service; of one that fails on several nodes the first, named where there are more. */
function failingServices({ all }: KongFleet): readonly FailingService[] {
  const found = all.flatMap(({ queue, kong }) =>
    queue
      .failing()
      .map((each) => (all.length === 1 ? each : { ...each, error: onNode(each.error, kong.admin.url) })),
  )
  return [...new Map(found.toReversed().map((each) => [each.service, each])).values()].reverse()
}

const onNode = (error: Error, url: string): Error => new Error(`${url}: ${error.message}`, { cause: error })

const DATABASES = { database: 'on', dbless: 'off', unknown: null } as const

function markStatus({ service, target, sinceMs, failures }: StandingMark) {
  return { service, target, since: iso(sinceMs), failures }
}

const iso = (ms: number): string => new Date(ms).toISOString()
