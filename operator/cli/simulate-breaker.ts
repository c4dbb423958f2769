import { secondsUntil } from '../../plugins/breaker/backoff.ts'
import { Breaker } from '../../plugins/breaker/breaker.ts'
import {
  type CircuitDescription,
  describeCircuit,
  type InstanceDescription,
} from '../../plugins/breaker/describe-circuit.ts'
import type { Health } from '../../plugins/breaker/instance-circuit.ts'
import { mergeSettings } from '../../plugins/breaker/merge-settings.ts'
import { NO_DECISION, type Outcome } from '../../plugins/breaker/outcome.ts'
import { seededRandom } from '../../plugins/breaker/random.ts'
import { compileSettings } from '../../plugins/breaker/settings.ts'
import type { Transition } from '../../plugins/breaker/transition.ts'
import { readScenario, type Scenario, type ScenarioOutcome, settingsIn } from './breaker-scenario.ts'

/** What is printed, in the format of `kongsul simulate breaker --help`. */
export interface Simulation {
  readonly decisions: readonly Decision[]
  readonly transitions: readonly TransitionRow[]
  /** Instances that get no requests at the end. */
  readonly ejected: readonly string[]
  readonly final: Final
}

interface TransitionRow {
  readonly at: number
  readonly circuit: string
  readonly from: string
  readonly to: string
  readonly reason: string
  readonly would_be?: true
}

interface Final extends Omit<CircuitDescription, 'deadlineMs' | 'instances'> {
  readonly at: number
  readonly retry_after: number | null
  readonly instances: Readonly<Record<string, FinalInstance>>
}

interface FinalInstance extends Omit<InstanceDescription, 'deadlineMs' | 'inRotation' | 'weightPercent'> {
  readonly in_rotation: boolean
  readonly weight_percent: number
  readonly ejected_until: number | null
}

interface Decision {
  readonly id: string | number
  readonly at: number
  readonly admitted: boolean
  readonly state: string
  readonly retry_after: number | null
}

/**
 * One scenario through the circuits of one service and its instances.
 *
 * @throws SimulationInputError that names the field
 */
export function simulateBreaker(input: unknown): Simulation {
  return new Run(readScenario(input)).play()
}

const SERVICE = 'service'

/** A call that was decided on; it is forgotten with its outcome, so that no outcome counts twice. */
interface Call {
  readonly atMs: number
  readonly generation: number
  isOpen: boolean
}

class Run {
  readonly #scenario: Scenario
  readonly #breaker: Breaker
  readonly #health: Map<string, Health>
  readonly #calls = new Map<string | number, Call>()
  readonly #decisions: Decision[] = []
  readonly #transitions: TransitionRow[] = []
  #settings: Scenario['settings']

  constructor(scenario: Scenario) {
    this.#scenario = scenario
    this.#settings = scenario.settings
    this.#health = new Map(scenario.instances.map((instance) => [instance, 'healthy']))
    this.#breaker = new Breaker({
      random: seededRandom(scenario.seed),
      onTransition: (transition) => this.#transitions.push(transitionOf(transition)),
      maxRecords: Number.POSITIVE_INFINITY,
    })
    const startMs = scenario.events[0]?.at ?? 0
    this.#breaker.setConfig(startMs, SERVICE, compileSettings(this.#settings))
    this.#breaker.setHealth(startMs, SERVICE, this.#health)
  }

  play(): Simulation {
    const { events } = this.#scenario
    events.forEach((event, index) => {
      this.#breaker.sweep(event.at, SERVICE) // as the plugins do by the clock, whatever comes
      if (event.access !== undefined) this.#access(event.at, event.access)
      else if (event.outcome !== undefined) this.#outcome(event.at, event.outcome)
      else if (event.set !== undefined) this.#set(event.at, settingsIn(event.set, `events[${index}].set`))
      else if (event.health !== undefined) this.#setHealth(event.at, event.health)
    })
    return this.#end(events.at(-1)?.at ?? 0)
  }

  #access(at: number, id: string | number): void {
    const retryAfter = this.#breaker.decide(at, SERVICE)
    const { state, generation } = this.#breaker.circuit(SERVICE)!
    const admitted = retryAfter === 0
    this.#calls.set(id, { atMs: at, generation, isOpen: admitted })
    this.#decisions.push({ id, at, admitted, state, retry_after: admitted ? null : retryAfter })
  }

  #outcome(at: number, outcome: ScenarioOutcome): void {
    const call = this.#calls.get(outcome.id)
    if (call?.isOpen === false) return
    if (call !== undefined) call.isOpen = false
    else this.#calls.set(outcome.id, { atMs: at, generation: NO_DECISION, isOpen: false })
    this.#breaker.report(at, {
      ...outcomeOf(outcome),
      startedAtMs: call?.atMs ?? Math.min(outcome.started_at ?? at, at),
      generation: call?.generation ?? NO_DECISION,
    })
  }

  #set(at: number, patch: Scenario['settings']): void {
    this.#settings = mergeSettings(this.#settings, patch)
    this.#breaker.setConfig(at, SERVICE, compileSettings(this.#settings))
  }

  #setHealth(at: number, said: Readonly<Record<string, Health | 'absent'>>): void {
    for (const [instance, health] of Object.entries(said)) {
      if (health === 'absent') this.#health.delete(instance)
      else this.#health.set(instance, health)
    }
    this.#breaker.setHealth(at, SERVICE, this.#health)
  }

  #end(at: number): Simulation {
    const circuit = this.#breaker.circuit(SERVICE)!
    const { deadlineMs, instances, ...rest } = describeCircuit(circuit, at)
    const rows = Object.entries(instances)
    return {
      decisions: this.#decisions,
      transitions: this.#transitions,
      ejected: rows.filter(([, { inRotation }]) => !inRotation).map(([key]) => key),
      final: {
        at,
        ...rest,
        retry_after: deadlineMs === null ? null : secondsUntil(deadlineMs, at),
        instances: Object.fromEntries(
          rows.map(([key, { inRotation, weightPercent, deadlineMs: untilMs, ...row }]) => [
            key,
            { ...row, in_rotation: inRotation, weight_percent: weightPercent, ejected_until: untilMs },
          ]),
        ),
      },
    }
  }
}

const transitionOf = ({ atMs, instance, from, to, reason, wouldBe }: Transition): TransitionRow => ({
  at: atMs,
  circuit: instance ?? 'service',
  from,
  to,
  reason,
  ...(wouldBe ? { would_be: true } : {}),
})

const outcomeOf = (outcome: ScenarioOutcome): Omit<Outcome, 'startedAtMs'> => ({
  service: SERVICE,
  status: outcome.status ?? null,
  source: outcome.source ?? 'upstream',
  durationMs: outcome.duration_ms ?? null,
  ttfbMs: outcome.ttfb_ms ?? null,
  grpcStatus: outcome.grpc_status ?? null,
  tries:
    outcome.tries?.map(({ instance, status, ms }) => ({
      instance,
      status: status ?? null,
      ms: ms ?? null,
    })) ?? null,
})
