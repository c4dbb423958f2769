/** The targets of one service: which instances become one and with what weight. */

import type { Instance } from './catalog.ts'
import { byNodeAndId } from './consul-row.ts'
import { type Health, type RolledUp, rollUp } from './health.ts'
import { instanceWeights, type Weights } from './instance-weights.ts'
import type { Problem } from './problem.ts'
import type { ServiceSettings } from './settings.ts'
import { targetOf } from './target-address.ts'

export interface InstanceReport {
  readonly id: string
  readonly node: string
  readonly address: string
  readonly port: number
  /** `host:port` as Kong has it, '' when the instance cannot be one. */
  readonly target: string
  readonly health: Health
  readonly weight: number
  readonly reason: string
}

export interface TargetPlan {
  /** Weight by `host:port`, sorted. */
  readonly weights: ReadonlyMap<string, number>
  readonly instances: readonly InstanceReport[]
  /** Nothing is routable, yet the weights stay: Consul may be wrong about all of them at once. */
  readonly keptAtLastWeights: boolean
  readonly problems: readonly Problem[]
}

/** What targets of a service weighed until now. */
export interface KnownWeights {
  /** Weight that `host:port` had last, null where it was no target. */
  readonly last: (target: string) => number | null
  /** Had any target of the service weight? */
  readonly wasRoutable: () => boolean
  /** What critical ones keep although others serve, by `host:port`: too many turned critical at once. */
  readonly held: ReadonlyMap<string, number>
}

export function planTargets(
  service: string,
  instances: readonly Instance[],
  effective: ServiceSettings,
  known: KnownWeights,
): TargetPlan {
  const problems: Problem[] = []
  const report = (code: string, severity: Problem['severity'], message: string): void => {
    problems.push({ code, severity, service, message })
  }
  const ordered = [...instances].sort(byNodeAndId)
  const weightsGiven = instanceWeights(ordered, effective, report)
  const candidates = ordered.map((instance, index) => candidateOf(instance, weightsGiven[index]!, report))
  const places = groupByTarget(candidates, report)
  const { weights, notes, kept, isUnproven } = weigh(places, effective, known)
  if (kept) report('ALL_CRITICAL', 'error', allCritical(service, places))
  if (isUnproven) report('NEVER_HEALTHY', 'warning', neverHealthy(service))
  return {
    weights: new Map([...weights].sort(([left], [right]) => (left < right ? -1 : 1))),
    instances: candidates.map((candidate) => reportOf(candidate, weights, notes)),
    keptAtLastWeights: kept,
    problems,
  }
}

interface Candidate {
  readonly instance: Instance
  readonly target: string
  /** Why it cannot be a target; '' when it can. */
  readonly obstacle: string
  readonly rolledUp: RolledUp
  readonly whenHealthy: number
  readonly whenDegraded: number
}

/** One ip:port. Usually one instance; two when it was registered twice. */
interface Place {
  readonly target: string
  readonly health: Health
  readonly isMaintenance: boolean
  readonly whenHealthy: number
  readonly whenDegraded: number
}

type Report = (code: string, severity: Problem['severity'], message: string) => void

function candidateOf(instance: Instance, weights: Weights, report: Report): Candidate {
  const where = `instance ${instance.id} on ${instance.node}`
  const address = targetOf(instance.address, instance.port)
  if (instance.port === 0) {
    report('INSTANCE_WITHOUT_PORT', 'info', `${where} has no port and gets no traffic; register it with one`)
  } else if (!address.ok) {
    report('ADDRESS_INVALID', 'warning', `${where} gets no traffic: ${address.reason}; register an address`)
  }
  return {
    instance,
    target: address.ok ? address.target : '',
    obstacle: address.ok ? '' : instance.port === 0 ? 'has no port' : address.reason,
    rolledUp: rollUp(instance),
    whenHealthy: weights.passing,
    whenDegraded: weights.warning,
  }
}

function groupByTarget(candidates: readonly Candidate[], report: Report): Place[] {
  const byTarget = new Map<string, Candidate[]>()
  for (const candidate of candidates) {
    if (candidate.obstacle !== '') continue
    byTarget.set(candidate.target, [...(byTarget.get(candidate.target) ?? []), candidate])
  }
  return [...byTarget].map(([target, same]) => {
    if (same.length > 1) {
      const ids = same.map(({ instance }) => `${instance.id} on ${instance.node}`).join(' and ')
      report(
        'ADDRESS_TWICE',
        'warning',
        `${ids} are both ${target}: one target with the better health and the higher weight; deregister one`,
      )
    }
    return placeOf(target, same)
  })
}

/** The same process registered twice must not get twice the traffic, and one stale registration must not stop it. */
function placeOf(target: string, same: readonly Candidate[]): Place {
  const best = [...same].sort((left, right) => RANK[left.rolledUp.health] - RANK[right.rolledUp.health])[0]!
  return {
    target,
    health: best.rolledUp.health,
    isMaintenance: same.every(({ rolledUp }) => rolledUp.isMaintenance),
    whenHealthy: Math.max(...same.map(({ whenHealthy }) => whenHealthy)),
    whenDegraded: Math.max(...same.map(({ whenDegraded }) => whenDegraded)),
  }
}

const RANK: Record<Health, number> = { healthy: 0, degraded: 1, unhealthy: 2 }

interface Weighed {
  readonly weights: ReadonlyMap<string, number>
  readonly notes: ReadonlyMap<string, string>
  readonly kept: boolean
  /** All are critical, and none was ever anything else as far as anybody knows. */
  readonly isUnproven: boolean
}

function weigh(places: readonly Place[], { settings }: ServiceSettings, known: KnownWeights): Weighed {
  const notes = new Map<string, string>()
  const weights = new Map(places.map(({ target }) => [target, 0]))
  const give = (place: Place, weight: number, note = ''): void => {
    weights.set(place.target, weight)
    if (note !== '') notes.set(place.target, note)
  }
  const healthy = places.filter(({ health }) => health === 'healthy')
  const degraded = places.filter(({ health }) => health === 'degraded')
  const critical = places.filter(({ health, isMaintenance }) => health === 'unhealthy' && !isMaintenance)
  const hasHealthy = healthy.some(({ whenHealthy }) => whenHealthy > 0)

  for (const place of healthy) give(place, place.whenHealthy)
  for (const place of degraded) {
    if (settings.degraded === 'weighted') give(place, place.whenDegraded)
    else if (hasHealthy) give(place, 0, 'no traffic while an instance is healthy (degraded: fallback)')
    else
      give(
        place,
        fallbackWeight(place, degraded, settings.loadBalancing.strategy),
        'serves as no instance is healthy',
      )
  }
  for (const place of critical) {
    const weight = known.held.get(place.target) ?? 0
    if (weight > 0) give(place, weight, 'kept at its weight as too many instances turned critical at once')
  }
  const isEmptied = [...weights.values()].every((weight) => weight === 0)
  const isToKeep = isEmptied && critical.length > 0 && settings.health.whenAllCritical === 'keep'
  const kept = isToKeep && keepWeights(critical, known, give)
  return { weights, notes, kept, isUnproven: isToKeep && !kept }
}

/** Weights.Warning, as Consul has it for such an instance; all of them 0 would leave nobody, so Weights.Passing then. */
function fallbackWeight(place: Place, degraded: readonly Place[], strategy: string): number {
  if (strategy !== 'weighted') return place.whenHealthy
  return degraded.some(({ whenDegraded }) => whenDegraded > 0) ? place.whenDegraded : place.whenHealthy
}

/**
 * As AWS ALB and Envoy do: when all fail at once it is more likely the checking that fails. A service that was never
 * anything but critical has shown nothing yet: it gets no traffic.
 */
function keepWeights(
  critical: readonly Place[],
  known: KnownWeights,
  give: (place: Place, weight: number, note: string) => void,
): boolean {
  const last = critical.map(({ target }) => known.last(target) ?? 0)
  const hasLast = last.some((weight) => weight > 0)
  if (!hasLast && !known.wasRoutable()) return false
  critical.forEach((place, index) => {
    const note = 'kept at its last weight as no other instance may get traffic'
    give(place, hasLast ? last[index]! : place.whenHealthy, note)
  })
  return true
}

function reportOf(
  { instance, target, obstacle, rolledUp }: Candidate,
  weights: ReadonlyMap<string, number>,
  notes: ReadonlyMap<string, string>,
): InstanceReport {
  const note = obstacle || notes.get(target)
  return {
    id: instance.id,
    node: instance.node,
    address: instance.address,
    port: instance.port,
    target,
    health: rolledUp.health,
    weight: weights.get(target) ?? 0,
    reason: note ? `${rolledUp.reason}; ${note}` : rolledUp.reason,
  }
}

const neverHealthy = (service: string): string =>
  `no instance of ${service} has passed its checks yet, so none gets traffic; mend them, or their checks`

function allCritical(service: string, places: readonly Place[]): string {
  const critical = places.filter(({ health }) => health === 'unhealthy').length
  const who =
    critical === places.length
      ? `every instance of ${service} (${critical}) is critical; they keep`
      : `no other instance of ${service} may get traffic; the critical ones (${critical}) keep`
  return `${who} their last weights (health.whenAllCritical: keep)`
}
