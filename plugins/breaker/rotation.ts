import type { InstanceCircuit } from './instance-circuit.ts'
import type { Settings } from './settings.ts'

type Ejection = Settings['ejection']

/** How the instances of one upstream stand. */
export interface Standing {
  readonly listed: number
  readonly ejected: number
  /** Those that Consul lets serve: the healthy ones, or the degraded ones when none is healthy. */
  readonly serving: number
  /** The serving ones that are not ejected. */
  readonly staying: number
}

/** Does it get no requests, whoever decided that? */
export const isOutOfAll = ({ isOut, elsewhere }: InstanceCircuit): boolean => isOut || elsewhere !== null

/** Counts where it is found out that together too many are out: would all processes give way, none were left. */
export const yieldsTo = ({ elsewhere }: InstanceCircuit): boolean => elsewhere === 'precedes'

const isElsewhere = ({ elsewhere }: InstanceCircuit): boolean => elsewhere !== null

/** @param counts whether one that another process keeps out counts as ejected */
export function standingOf(
  members: Iterable<InstanceCircuit>,
  counts: (member: InstanceCircuit) => boolean = isElsewhere,
): Standing {
  let listed = 0
  let ejected = 0
  const byHealth = { healthy: 0, degraded: 0, unhealthy: 0 }
  const ejectedByHealth = { healthy: 0, degraded: 0, unhealthy: 0 }
  for (const member of members) {
    const { health, state, wouldBeEjected } = member
    listed += 1
    byHealth[health] += 1
    if (state !== 'ejected' && !wouldBeEjected && !counts(member)) continue
    ejected += 1
    ejectedByHealth[health] += 1
  }
  const served = byHealth.healthy > 0 ? 'healthy' : 'degraded'
  return {
    listed,
    ejected,
    serving: byHealth[served],
    staying: byHealth[served] - ejectedByHealth[served],
  }
}

/** Whether one more may go: the share of all that is out, and how many serving ones are left. */
export function mayEject(
  candidate: InstanceCircuit,
  members: ReadonlyMap<string, InstanceCircuit>,
  { maxPercent, minimumHealthy }: Ejection,
): boolean {
  const { listed, ejected } = standingOf(members.values())
  const after = isElsewhere(candidate) ? ejected : ejected + 1
  if (maxPercent <= 0 || after * 100 > maxPercent * listed + 1e-9) return false
  const before = candidate.wouldBeEjected
  candidate.wouldBeEjected = true
  const { staying } = standingOf(members.values())
  candidate.wouldBeEjected = before
  return staying >= minimumHealthy
}

/** Too few are left to carry the load: rather a bad instance than none. */
export const isPanic = ({ ejected, serving, staying }: Standing, { panicPercent }: Ejection): boolean =>
  ejected > 0 && panicPercent > 0 && staying * 100 < panicPercent * serving

/**
 * Earliest end of an ejection when every instance that Consul does not call unhealthy is out; 0 when one is in. Kong
 * would answer 503 to every request.
 */
export function emptyUntilMs(members: Iterable<InstanceCircuit>): number {
  let soonest = Number.POSITIVE_INFINITY
  for (const { health, isOut, deadlineMs } of members) {
    if (health === 'unhealthy') continue
    if (!isOut) return 0
    soonest = Math.min(soonest, deadlineMs)
  }
  return soonest === Number.POSITIVE_INFINITY ? 0 : soonest
}
