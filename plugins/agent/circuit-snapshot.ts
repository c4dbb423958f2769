import type { CircuitReport } from '../../operator/sync/circuit-book.ts'
import {
  type CircuitDescription,
  describeCircuit,
  type InstanceDescription,
} from '../breaker/describe-circuit.ts'
import type { ServiceCircuit } from '../breaker/service-circuit.ts'
import type { CircuitHistory } from './circuit-history.ts'

export interface SnapshotTimes {
  /** On the circuits' clock. */
  readonly nowMs: number
  readonly wallNowMs: number
}

/** What an operator takes at once. */
const MOST_REPORTS = 50_000

/**
 * Every service circuit, and those instances of which there is something to say: calls in the window, or another state
 * than closed.
 */
export function circuitSnapshot(
  circuits: Iterable<ServiceCircuit>,
  serviceIdOf: (key: string) => string | null,
  history: Pick<CircuitHistory, 'of'>,
  { nowMs, wallNowMs }: SnapshotTimes,
): CircuitReport[] {
  const reports: CircuitReport[] = []
  const told = new Set<string>()
  const until = (deadlineMs: number | null) =>
    deadlineMs === null ? null : Math.round(wallNowMs + deadlineMs - nowMs)
  const add = (
    circuit: CircuitReport['circuit'],
    key: string,
    instance: string | null,
    { state, deadlineMs }: { readonly state: string; readonly deadlineMs: number | null },
    counts: CircuitReport['counts'],
  ) => {
    const last = history.of(key, instance)
    const since = last?.sinceMs ?? null
    reports.push({ circuit, state, since, until: until(deadlineMs), reason: last?.reason ?? '', counts })
  }
  for (const circuit of circuits) {
    const { key, group } = circuit
    const described = describeCircuit(circuit, nowMs)
    const serviceId = serviceIdOf(key) ?? key
    add({ kind: 'service', serviceId }, key, null, described, serviceCounts(described))
    const { upstream } = group
    if (told.has(upstream)) continue
    told.add(upstream)
    for (const [target, each] of Object.entries(described.instances)) {
      if (each.state === 'closed' && each.window.total === 0) continue
      add({ kind: 'instance', upstream, target }, upstream, target, each, instanceCounts(each))
    }
  }
  if (reports.length <= MOST_REPORTS) return reports
  // Those that are closed are what everybody expects.
  const isNews = ({ state }: CircuitReport) => state !== 'closed'
  return [...reports.filter(isNews), ...reports.filter((each) => !isNews(each))].slice(0, MOST_REPORTS)
}

const serviceCounts = ({ window, permits, overflow, panic, attempt }: CircuitDescription) => ({
  ...window,
  attempt,
  overflow,
  panic,
  ...(permits === null ? {} : { permits }),
})

const instanceCounts = ({ window, consecutive, attempt, inRotation }: InstanceDescription) => ({
  ...window,
  consecutive,
  attempt,
  in_rotation: inRotation,
})
