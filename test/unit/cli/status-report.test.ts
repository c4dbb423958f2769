import assert from 'node:assert/strict'
import { test } from 'node:test'
import pc from 'picocolors'
import { statusLines, statusReport } from '../../../operator/cli/status-report.ts'
import type { InstanceReport, ServiceReport } from '../../../operator/core/desired.ts'
import type { Entity, KongState } from '../../../operator/core/entity.ts'
import type { CircuitRow } from '../../../operator/sync/list-circuits.ts'

const io = { paint: pc.createColors(false), width: () => Number.POSITIVE_INFINITY }
const instance = (given: Partial<InstanceReport>): InstanceReport => ({
  id: 'web-1',
  node: 'n1',
  address: '10.0.0.1',
  port: 80,
  target: '10.0.0.1:80',
  health: 'healthy',
  weight: 100,
  reason: '',
  ...given,
})
const service = (given: Partial<ServiceReport>): ServiceReport => ({
  service: 'web',
  exposed: true,
  exposureReason: 'tag',
  hosts: ['web.mesh'],
  paths: ['/web/'],
  strategy: 'round_robin',
  keptAtLastWeights: false,
  instances: [instance({})],
  ...given,
})
const entity = (given: Partial<Entity>): Entity => ({
  kind: 'upstream',
  id: 'u1',
  name: 'web.mesh',
  owner: 'web',
  parent: '',
  fields: {},
  tags: [],
  ...given,
})
const kong: KongState = new Map([
  ['upstream/u1', entity({})],
  [
    'target/t1',
    entity({ kind: 'target', id: 't1', name: '10.0.0.1:80', parent: 'u1', fields: { weight: 100 } }),
  ],
])
const noDiff = { changes: [], overrides: [], conflicts: [] }
const report = (services: ServiceReport[], actual = kong) =>
  statusReport({ state: new Map(), groups: new Map(), services, problems: [] }, actual, noDiff, null)

const ejected: CircuitRow = {
  kind: 'instance',
  service: 'web',
  target: '10.0.0.1:80',
  address: null,
  instance_id: 'web-1',
  state: 'ejected',
  mode: 'auto',
  mode_set_in: null,
  since: '2030-01-01T03:00:00.000Z',
  until: '2030-01-01T03:01:00.000Z',
  reason: 'consecutive_failures: 5 failures in a row',
  node: 'kong-1',
  counts: {},
}

test('an instance that the breaker has taken out is ejected in the table, and the reason is told below', () => {
  const closed = { ...ejected, kind: 'service', target: null, instance_id: null, state: 'closed' } as const
  const desired = { state: new Map(), groups: new Map(), services: [service({})], problems: [] }
  const told = statusReport(desired, kong, noDiff, null, [closed, ejected])
  const lines = statusLines(told, io, Date.parse('2030-01-01T03:00:12Z'))
  assert.match(lines[1]!, /web-1.*EJECTED \(by the circuit breaker\)/)
  assert.ok(
    lines.includes(
      'instance web-1 of web is ejected for 12 s, tried again in 48 s: consecutive_failures: 5 failures in a row',
    ),
    lines.join('\n'),
  )
  assert.equal(told.circuits.length, 1)
})

test('of a host name the address that is out is told, rather than one that is tried again', () => {
  const named = { ...ejected, address: '10.0.0.7:80' }
  const circuits = [named, { ...named, address: '10.0.0.8:80', state: 'probing' }]
  const desired = { state: new Map(), groups: new Map(), services: [service({})], problems: [] }
  const lines = statusLines(statusReport(desired, kong, noDiff, null, circuits), io)
  assert.match(lines[1]!, /web-1.*EJECTED at 10\.0\.0\.7:80 \(by the circuit breaker\)/)
})

test('what keeps an instance out is Consul first, then the breaker', () => {
  const services = [service({ instances: [instance({ health: 'unhealthy', reason: 'maintenance' })] })]
  const desired = { state: new Map(), groups: new Map(), services, problems: [] }
  const lines = statusLines(statusReport(desired, kong, noDiff, null, [ejected]), io)
  assert.match(lines[1]!, /UNHEALTHY \(maintenance\)/)
})

test('the weight that Kong has stands beside the wanted one', () => {
  assert.equal(report([service({})]).services[0]!.instances[0]!.weightInKong, 100)
})

test('an instance that Kong lacks has no weight there, and the table says what is wanted', () => {
  const lacking = report([service({})], new Map())
  assert.equal(lacking.services[0]!.instances[0]!.weightInKong, null)
  assert.ok(statusLines(lacking, io).some((line) => line.includes('- -> 100')))
})

test('instances are counted by health', () => {
  const { counts } = report([
    service({
      instances: [instance({}), instance({ health: 'unhealthy' }), instance({ health: 'degraded' })],
    }),
  ])
  assert.deepEqual([counts.instances, counts.healthy, counts.degraded, counts.unhealthy], [3, 1, 1, 1])
})

test('a service that is not exposed is counted, and the way to expose it is told', () => {
  const lines = statusLines(
    report([service({ exposed: false, exposureReason: 'opt in by tag kongsul.enable=true' })]),
    io,
  )
  assert.ok(lines.includes('1 not reachable through the proxy: web (opt in by tag kongsul.enable=true)'))
})

test('services come in the order of their names', () => {
  const names = report([service({ service: 'web' }), service({ service: 'api' })]).services.map(
    (each) => each.service,
  )
  assert.deepEqual(names, ['api', 'web'])
})

test('one is one service, not one services', () => {
  assert.ok(statusLines(report([service({})]), io).some((line) => line.startsWith('1 service, 1 instance: ')))
})
