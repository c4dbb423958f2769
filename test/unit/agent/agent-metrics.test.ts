import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { registerAgentMetrics } from '../../../plugins/agent/agent-metrics.ts'
import { CircuitHistory } from '../../../plugins/agent/circuit-history.ts'
import type { Ejector } from '../../../plugins/agent/ejector.ts'
import { MeshKnowledge } from '../../../plugins/agent/mesh-knowledge.ts'
import { Circuits } from '../../../plugins/mesh-circuit-breaker/circuits.ts'
import type { Outcome } from '../../../plugins/outcomes/outcome.ts'
import { parseMetrics, sumOf } from '../../support/metrics.ts'
import { anOutcome, aTry } from '../../support/outcomes.ts'

const INSTANCES = ['10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80'] as const
const SETTINGS = {
  openSeconds: 5,
  ejection: { maxPercent: 100, panicPercent: 0 },
  service: { consecutiveFailures: 5 },
}

/** One service on a clock that stands until it is moved, and what a scrape says of it. */
function start() {
  const clock = { ms: 0 }
  const history = new CircuitHistory()
  const mesh = new MeshKnowledge('node-a')
  const circuits = new Circuits({ nowMs: () => clock.ms, wallNowMs: () => clock.ms, random: () => 0 })
  circuits.connect(
    {
      transition: (each) => history.note(each, clock.ms),
      rotation: () => {},
      stray: () => {},
      refused: () => {},
    },
    mesh,
  )
  const instances = INSTANCES.map((target) => ({ target, id: target, health: 'healthy' }))
  const view = { service: 'web', serviceId: 's1', upstream: 'web.mesh', mode: 'auto', routes: [], instances }
  mesh.update({ full: true, index: 1, removed: [], services: [view] } as never)
  const refusal = { status: null, body: null, headers: {} }
  const configure = (settings: object) =>
    circuits.configure({ key: 's1', serviceId: 's1', instanceId: null, settings: settings as never, refusal })
  configure(SETTINGS)
  const registry = new Registry()
  const counts = { ejections: 0, returns: 0, refused: 0, retries: 0 }
  registerAgentMetrics(registry, {
    circuits,
    history,
    mesh,
    ejector: () => ({ counts, pending: 0 }) as Ejector,
  })
  const report = (times: number, over: Partial<Outcome>) => {
    for (let at = 0; at < times; at++)
      circuits.report(anOutcome({ serviceId: 's1', routeId: null, startedAtMs: clock.ms, ...over }))
  }
  return { circuits, clock, configure, report, scrape: async () => parseMetrics(await registry.metrics()) }
}

test('of a service and of each instance exactly one state is 1, whatever happens to them', async () => {
  const { circuits, clock, configure, report, scrape } = start()
  const seen: string[] = []
  const look = async () => {
    const samples = (await scrape()).filter(({ name }) => /^mesh_(instance_)?circuit_state$/.test(name))
    const byCircuit = new Map<string, number>()
    for (const { labels, value } of samples) {
      const circuit = labels['instance'] ?? 'service'
      byCircuit.set(circuit, (byCircuit.get(circuit) ?? 0) + value)
      if (value === 1) seen.push(`${circuit} ${labels['state']}`)
    }
    deepEqual([...byCircuit.values()], [1, 1, 1, 1])
  }
  await look()
  report(5, { status: 504, tries: [aTry({ instance: INSTANCES[0], status: 'timeout' })] })
  await look()
  report(5, { status: 503, tries: [aTry({ instance: INSTANCES[1], status: 503 })] })
  for (const instance of INSTANCES) report(5, { status: 504, tries: [aTry({ instance, status: 'timeout' })] })
  await look()
  clock.ms = 6_000
  equal(circuits.decide('s1'), 0)
  await look()
  configure({ ...SETTINGS, mode: 'forced_open' })
  await look()
  const states = new Set(
    seen.map((each) => each.replace(/^\S+ /, each.startsWith('service') ? '' : 'instance ')),
  )
  deepEqual(
    [...states].sort(),
    [
      'closed',
      'forced_open',
      'half_open',
      'instance closed',
      'instance ejected',
      'instance probing',
      'open',
    ].sort(),
  )
})

test('counters do not fall when a window is emptied', async () => {
  const { circuits, clock, configure, report, scrape } = start()
  const counters = async () => {
    const samples = await scrape()
    return [
      sumOf(samples, 'mesh_circuit_transitions_total'),
      sumOf(samples, 'mesh_circuit_refusals_total', { service: 'web' }),
    ]
  }
  for (const instance of INSTANCES) report(5, { status: 504, tries: [aTry({ instance, status: 'timeout' })] })
  equal(circuits.decide('s1') > 0, true)
  circuits.refused('s1')
  const before = await counters()
  equal(
    before.every((each) => each > 0),
    true,
    String(before),
  )
  clock.ms = 3_600_000
  configure({ ...SETTINGS, window: { calls: 7 } })
  configure({ ...SETTINGS, mode: 'forced_open' })
  configure(SETTINGS)
  const after = await counters()
  for (const [at, each] of after.entries()) equal(each >= before[at]!, true, `${before} -> ${after}`)
})
