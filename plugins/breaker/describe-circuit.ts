import type { InstanceCircuit } from './instance-circuit.ts'
import type { ServiceCircuit } from './service-circuit.ts'

/** Counts of a window at a moment. */
export interface Counts {
  readonly total: number
  readonly failed: number
  readonly slow: number
}

export interface CircuitDescription {
  readonly state: string
  readonly mode: string
  readonly generation: number
  readonly window: Counts
  readonly consecutive: number
  readonly attempt: number
  /** null: not open. */
  readonly deadlineMs: number | null
  /** Trials that may still go; null outside half-open. */
  readonly permits: number | null
  readonly overflow: number
  /** Too few instances are left: verdicts stand, but all get requests. */
  readonly panic: boolean
  readonly instances: Readonly<Record<string, InstanceDescription>>
}

export interface InstanceDescription {
  readonly state: string
  readonly health: string
  readonly inRotation: boolean
  /** Whole percent of the instance's weight. */
  readonly weightPercent: number
  readonly window: Counts
  readonly consecutive: number
  readonly attempt: number
  readonly deadlineMs: number | null
}

/** One service circuit and the instances behind it, as they are at `nowMs`. */
export function describeCircuit(circuit: ServiceCircuit, nowMs: number): CircuitDescription {
  const { group, settings } = circuit
  const instances = [...group.members.values()]
    .sort((left, right) => (left.key < right.key ? -1 : 1))
    .map((member) => [member.key, describeInstance(member, nowMs, settings.rampMs)] as const)
  return {
    state: circuit.state,
    mode: settings.mode,
    generation: circuit.generation,
    window: countsOf(circuit, nowMs),
    consecutive: circuit.consecutive,
    attempt: circuit.attempt,
    deadlineMs: circuit.deadlineMs,
    permits: circuit.permits,
    overflow: group.overflow,
    panic: group.isPanicking,
    instances: Object.fromEntries(instances),
  }
}

const describeInstance = (member: InstanceCircuit, nowMs: number, rampMs: number): InstanceDescription => ({
  state: member.state,
  health: member.health,
  inRotation: !member.isOut,
  weightPercent: member.weightPercent(nowMs, rampMs),
  window: countsOf(member, nowMs),
  consecutive: member.consecutive,
  attempt: member.attempt,
  deadlineMs: member.state === 'ejected' ? member.deadlineMs : null,
})

function countsOf({ window }: Pick<ServiceCircuit, 'window'>, nowMs: number): Counts {
  window?.advance(nowMs)
  return { total: window?.calls ?? 0, failed: window?.failed ?? 0, slow: window?.slow ?? 0 }
}
