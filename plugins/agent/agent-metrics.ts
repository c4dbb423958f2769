import { Counter, Gauge, type Registry } from 'prom-client'
import type { ServiceCircuit } from '../breaker/service-circuit.ts'
import type { Circuits } from '../mesh-circuit-breaker/circuits.ts'
import type { CircuitHistory } from './circuit-history.ts'
import type { Ejector } from './ejector.ts'
import type { MeshKnowledge } from './mesh-knowledge.ts'

export interface AgentParts {
  readonly circuits: Circuits
  readonly history: CircuitHistory
  readonly mesh: MeshKnowledge
  /** Made after the metrics. */
  readonly ejector: () => Ejector
}

/** The worst last. */
const SERVICE_STATES = ['closed', 'half_open', 'open', 'forced_open'] as const
const INSTANCE_STATES = ['closed', 'probing', 'ejected'] as const
/** Circuits with a series of their own; those of a mesh that is larger are told to operators alone. */
const MOST_SERVICES = 1_000

/** Registers what the circuits do; everything is read when somebody asks. The answer counts calls to Kong. */
export function registerAgentMetrics(
  registry: Registry,
  { circuits, history, mesh, ejector }: AgentParts,
): { readonly kongRequests: Counter<'method' | 'outcome'> } {
  const registers = [registry]
  const nameOf = ({ key }: ServiceCircuit) => mesh.service(circuits.serviceIdOf(key) ?? key) ?? key
  const listed = () => [...circuits.all()].slice(0, MOST_SERVICES)
  new Gauge({
    name: 'mesh_circuit_state',
    help: '1 for the state that the circuit of a service is in.',
    labelNames: ['service', 'state'],
    registers,
    collect() {
      this.reset()
      // A service with routes of its own for some requests has several circuits: the worst is told.
      const states = new Map<string, number>()
      for (const circuit of listed()) {
        const service = nameOf(circuit)
        states.set(service, Math.max(states.get(service) ?? 0, SERVICE_STATES.indexOf(circuit.state)))
      }
      for (const [service, worst] of states)
        for (const [at, state] of SERVICE_STATES.entries()) this.set({ service, state }, at === worst ? 1 : 0)
    },
  })
  new Gauge({
    name: 'mesh_instance_circuit_state',
    help: '1 for the state that the circuit of an instance is in.',
    labelNames: ['service', 'instance', 'state'],
    registers,
    collect() {
      this.reset()
      const states = new Map<string, { service: string; instance: string; worst: number }>()
      for (const circuit of listed()) {
        const service = nameOf(circuit)
        for (const [instance, { state }] of circuit.group.members) {
          const worst = Math.max(
            states.get(`${service} ${instance}`)?.worst ?? 0,
            INSTANCE_STATES.indexOf(state),
          )
          states.set(`${service} ${instance}`, { service, instance, worst })
        }
      }
      for (const { worst, ...labels } of states.values())
        for (const [at, state] of INSTANCE_STATES.entries())
          this.set({ ...labels, state }, at === worst ? 1 : 0)
    },
  })
  const perService = (
    kind: typeof Counter | typeof Gauge,
    name: string,
    help: string,
    read: (circuit: ServiceCircuit) => number,
  ) =>
    new kind({
      name,
      help,
      labelNames: ['service'],
      registers,
      collect() {
        this.reset()
        for (const circuit of listed()) this.inc({ service: nameOf(circuit) }, read(circuit))
      },
    })
  perService(Counter, 'mesh_circuit_refusals_total', 'Requests that an open circuit refused.', ({ key }) =>
    circuits.refusalsOf(key),
  )
  perService(
    Counter,
    'mesh_circuit_ejection_overflow_total',
    'Instances that were to be ejected and stayed, because too many are out already.',
    ({ group }) => group.overflow,
  )
  perService(
    Gauge,
    'mesh_circuit_panic',
    '1 while too few instances are left: all get requests.',
    ({ group }) => (group.isPanicking ? 1 : 0),
  )
  new Counter({
    name: 'mesh_circuit_transitions_total',
    help: 'Changes of circuits; would_be_ is what a circuit in metrics_only would have done.',
    labelNames: ['circuit', 'to'],
    registers,
    collect() {
      this.reset()
      for (const to of SERVICE_STATES) this.inc({ circuit: 'service', to }, 0)
      for (const to of INSTANCE_STATES) this.inc({ circuit: 'instance', to }, 0)
      for (const [what, count] of history.transitions) {
        const [circuit = '', to = ''] = what.split(' ')
        this.inc({ circuit, to }, count)
      }
    },
  })
  const total = (name: string, help: string, read: () => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  total('mesh_ejections_total', 'Instances marked unhealthy in Kong.', () => ejector().counts.ejections)
  total('mesh_ejection_returns_total', 'Instances put back.', () => ejector().counts.returns)
  total('mesh_ejection_retries_total', 'Marks that were due again.', () => ejector().counts.retries)
  total(
    'mesh_circuit_callback_errors_total',
    'Faults of ours after a verdict; no request saw them.',
    () => circuits.callbackErrors,
  )
  new Gauge({
    name: 'mesh_ejections_pending',
    help: 'Targets whose mark in Kong is not yet what it is to be.',
    registers,
    collect() {
      this.set(ejector().pending)
    },
  })
  new Gauge({
    name: 'mesh_known_services',
    help: 'Services that the operator has told of.',
    registers,
    collect() {
      this.set(mesh.size)
    },
  })
  return {
    kongRequests: new Counter({
      name: 'mesh_plugin_kong_requests_total',
      help: "Calls to Kong's Admin API, by method and outcome.",
      labelNames: ['method', 'outcome'],
      registers,
    }),
  }
}
