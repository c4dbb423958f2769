/** What is known of the instances of a service, from three answers, in one row each. */

import type { Circuit, ServiceNumbers, ServiceReport } from './api-shapes.ts'
import { plainReason } from './format.ts'
import { compareLevels, type Level, levelOfState, worst } from './severity.ts'

export interface InstanceRow {
  readonly id: string
  readonly node: string
  readonly target: string
  readonly level: Level
  readonly word: string
  readonly circuit: string
  readonly circuitLevel: Level
  /** `ip:port` that the circuit is of, where the target is a host name and it is not closed. */
  readonly address: string | null
  /** When the circuit tries again, RFC 3339. */
  readonly until: string | null
  readonly weight: number
  readonly rate: number | null
  readonly errors: number | null
  readonly p95: number | null
  readonly inFlight: number | null
  readonly why: string
}

/** The worst first. */
export function instanceRows(
  report: ServiceReport,
  numbers: ServiceNumbers | null,
  circuits: readonly Circuit[],
): readonly InstanceRow[] {
  const measured = new Map((numbers?.instances ?? []).map((each) => [each.id, each]))
  const rows = report.instances.map((instance): InstanceRow => {
    const metrics = measured.get(instance.id)
    const circuit = worstCircuit(circuits.filter((each) => isOf(each, report.service, instance)))
    const state = circuit?.state ?? metrics?.circuit_breaker ?? ''
    const reasons = [
      instance.reason,
      circuit !== undefined && circuit.state !== 'closed' ? plainReason(circuit.reason) : '',
    ]
    return {
      id: instance.id,
      node: instance.node,
      target: instance.target === '' ? 'no address' : instance.target,
      level: levelOfState(instance.health),
      word: instance.health,
      circuit: state === '' ? 'not told' : state.replace('_', ' '),
      circuitLevel: state === '' ? 'unknown' : levelOfState(state),
      address: circuit !== undefined && circuit.state !== 'closed' ? (circuit.address ?? null) : null,
      until: circuit !== undefined && circuit.state !== 'closed' ? circuit.until : null,
      weight: instance.weight,
      rate: metrics?.request_rate ?? null,
      errors: metrics?.error_rate ?? null,
      p95: metrics?.p95_latency ?? null,
      inFlight: metrics?.active_connections ?? null,
      why: reasons.filter((each) => each !== '').join('; '),
    }
  })
  return rows.sort(
    (left, right) =>
      compareLevels(
        worst([left.level, known(left.circuitLevel)]),
        worst([right.level, known(right.circuitLevel)]),
      ) || (left.id < right.id ? -1 : 1),
  )
}

/** That nobody tells of a circuit makes no instance worse. */
const known = (level: Level): Level => (level === 'unknown' ? 'ok' : level)

const isOf = (circuit: Circuit, service: string, instance: ServiceReport['instances'][number]): boolean =>
  circuit.kind === 'instance' &&
  circuit.service === service &&
  (circuit.instance_id === instance.id || (instance.target !== '' && circuit.target === instance.target))

const worstCircuit = (circuits: readonly Circuit[]): Circuit | undefined =>
  [...circuits].sort((left, right) => compareLevels(levelOfState(left.state), levelOfState(right.state)))[0]
