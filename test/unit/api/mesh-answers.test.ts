import { deepEqual, equal, ok } from 'node:assert/strict'
import test from 'node:test'
import { circuitStates } from '../../../operator/api/circuit-states.ts'
import { discovered } from '../../../operator/api/discover.ts'
import { InFlight } from '../../../operator/api/in-flight.ts'
import { listServices } from '../../../operator/api/list-services.ts'
import { meshHealth } from '../../../operator/api/mesh-health.ts'
import { topology, topologyShape } from '../../../operator/api/topology.ts'
import type { CircuitRow } from '../../../operator/sync/list-circuits.ts'
import { instanceOf, snapshotOf } from './catalog-of.ts'

const row = (over: Partial<CircuitRow>): CircuitRow => ({
  kind: 'instance',
  service: 'web',
  target: '10.0.0.1:80',
  address: null,
  instance_id: 'web-1',
  state: 'closed',
  mode: 'auto',
  mode_set_in: null,
  since: null,
  until: null,
  reason: '',
  node: 'kong-1',
  counts: {},
  ...over,
})
const NONE = circuitStates([])
const mesh = snapshotOf({
  consul: [instanceOf('consul', 'passing')],
  'kongsul-operator': [instanceOf('op', 'passing')],
  'web-sidecar-proxy': [instanceOf('side', 'passing', { kind: 'connect-proxy' })],
  web: [instanceOf('web-1', 'passing'), instanceOf('web-2', 'critical'), instanceOf('web-3', 'warning')],
})
const health = (snapshot = mesh, circuits = NONE) =>
  meshHealth({
    snapshot,
    circuits,
    isConsulConnected: true,
    isKongConnected: true,
    leader: 'one',
    lastSync: null,
  })

test('ejected is open, probing is half open, and where processes differ the worst counts', () => {
  const states = circuitStates([
    row({ state: 'ejected' }),
    row({ state: 'closed', node: 'kong-2' }),
    row({ instance_id: 'web-2', state: 'probing' }),
    row({ instance_id: 'web-2', state: 'closed', node: 'kong-2' }),
    row({ kind: 'service', instance_id: null, target: null, state: 'half_open' }),
    row({ kind: 'service', instance_id: null, service: 'api', state: 'unknown', mode: 'forced_open' }),
  ])
  deepEqual(
    [...states.instances],
    [
      ['web-1', 'open'],
      ['web-2', 'half_open'],
    ],
  )
  deepEqual(
    [...states.services],
    [
      ['web', 'half_open'],
      ['api', 'open'],
    ],
  )
})

test('the topology has what the mesh serves, with circuits, and nothing of how the mesh is made', () => {
  const found = topology({
    snapshot: mesh,
    circuits: circuitStates([row({ state: 'ejected' })]),
    connections: (_service, target) => (target === '10.0.0.1:80' ? 2.5 : 0),
    dependencies: new Map([['web', ['api']]]),
  })
  ok(topologyShape.safeParse(found).success)
  deepEqual(Object.keys(found.services), ['web'])
  deepEqual(found.services['web']!.instances[0], {
    id: 'web-1',
    address: '10.0.0.1:80',
    state: 'healthy',
    connections: 2.5,
    circuit_breaker: true,
  })
  deepEqual([found.total_instances, found.healthy_instances], [3, 1])
  deepEqual(found.circuit_breakers, { 'web-1': 'open', 'web-2': 'closed', 'web-3': 'closed' })
  deepEqual(found.service_circuits, { web: 'closed' })
  deepEqual(found.dependencies, { web: ['api'] })
})

test('an empty mesh is healthy with a score of 1', () => {
  const { status, health_score, total_services } = health(snapshotOf({ consul: [] }))
  deepEqual([status, health_score, total_services], ['healthy', 1, 0])
})

const passing = (count: number, failing: number) =>
  snapshotOf({
    web: [
      ...Array.from({ length: count }, (_, at) => instanceOf(`up-${at}`, 'passing')),
      ...Array.from({ length: failing }, (_, at) => instanceOf(`down-${at}`, 'critical')),
    ],
  })
const scores: [healthy: number, failing: number, status: string][] = [
  [49, 51, 'unhealthy'],
  [50, 50, 'degraded'],
  [79, 21, 'degraded'],
  [80, 20, 'healthy'],
]
for (const [healthy, failing, status] of scores) {
  test(`${healthy} of 100 instances healthy is ${status}`, () =>
    equal(health(passing(healthy, failing)).status, status))
}

test('one open breaker makes a healthy mesh degraded, a half open one does not', () => {
  const open = health(passing(10, 0), circuitStates([row({ instance_id: 'up-1', state: 'ejected' })]))
  deepEqual([open.status, open.open_circuit_breakers, open.health_score], ['degraded', 1, 1])
  const probing = health(passing(10, 0), circuitStates([row({ instance_id: 'up-1', state: 'probing' })]))
  deepEqual([probing.status, probing.open_circuit_breakers], ['healthy', 0])
})

test('every service is listed with its counts, also one that nothing was decided about yet', () => {
  const { services, total } = listServices(mesh, [])
  equal(total, 4)
  deepEqual(services[2], {
    service_name: 'web',
    total: 3,
    healthy: 1,
    degraded: 1,
    unhealthy: 1,
    exposed: false,
    hosts: [],
    paths: [],
  })
})

test('an IPv6 address is told in brackets, and what kongsul keeps in the meta is left out', () => {
  const meta = { zone: 'a', 'kongsul-check': '{}' }
  const { instances } = discovered([instanceOf('web-1', 'passing', { address: '::1', meta })])
  deepEqual([instances[0]!.address, instances[0]!.metadata], ['[::1]:80', { zone: 'a' }])
})

test('requests in flight are the time they took over the time of ten seconds, and are forgotten after', () => {
  const load = new InFlight()
  load.note('web a', 500, 1_000)
  load.note('web a', 500, 1_900)
  load.note('web b', 100, 2_000)
  equal(load.at('web a', 2_500), 0.1)
  equal(load.at('web a', 10_999), 0.1)
  equal(load.at('web a', 11_000), 0)
})
