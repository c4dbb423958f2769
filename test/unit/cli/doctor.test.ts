import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeAddresses } from '../../../operator/cli/doctor/judge-addresses.ts'
import { judgeOperatorVersions, judgePluginVersions } from '../../../operator/cli/doctor/judge-versions.ts'
import { judgeKong, judgeKongNodes, type KongFacts } from '../../../operator/cli/doctor/kong-facts.ts'
import { judgePluginProcesses, judgeRandomServices } from '../../../operator/cli/doctor/plugin-facts.ts'
import { consulFinding, nodeFinding } from '../../../operator/cli/doctor/run-doctor.ts'
import type { CatalogSnapshot, Instance } from '../../../operator/core/catalog.ts'
import type { Desired } from '../../../operator/core/desired.ts'

const good: KongFacts = {
  version: '3.9.1',
  database: 'postgres',
  routerFlavor: 'traditional_compatible',
  workerConsistency: 'eventual',
  workerStateUpdateFrequency: 0.1,
  enabledPlugins: ['acl', 'key-auth'],
  meshPlugins: ['mesh-tracing', 'mesh-circuit-breaker'],
  proxyAccessLog: '/dev/stdout',
  hostname: 'kong-1',
  workers: [100],
  sockets: ['/run/kongsul/mesh-tracing.sock'],
  rootError: undefined,
}
const levels = (given: Partial<KongFacts>, outcomes?: 'observer') =>
  judgeKong({ ...good, ...given }, 'http://127.0.0.1:8001', outcomes)
    .filter(({ level }) => level !== 'ok')
    .map(({ level, mend }) => [level, mend])

test('a Kong 3.9 with a database and a short update frequency is fine', () => {
  assert.deepEqual(levels({}), [])
})

test('the default worker_state_update_frequency is a warning that names the setting', () => {
  const [[level, mend] = []] = levels({ workerStateUpdateFrequency: 5 })
  assert.equal(level, 'warning')
  assert.match(mend!, /worker_state_update_frequency = 0\.1/)
})

test('mesh-observer is missed only where outcomes are to come from it', () => {
  assert.deepEqual(levels({}), [])
  const [[level, mend] = []] = levels({}, 'observer')
  assert.equal(level, 'warning')
  assert.match(mend!, /KONGSUL_KONG_OUTCOMES=observer/)
})

test('a plugin of kongsul that Kong has not loaded is a warning that says how to load it', () => {
  const [[level, mend] = []] = levels({ meshPlugins: ['mesh-tracing'] })
  assert.equal(level, 'warning')
  assert.match(mend!, /kongsul plugins.*--print-kong-env/)
  assert.deepEqual(levels({ meshPlugins: undefined }), [])
})

test('an access log that is off is a warning where the plugins are loaded', () => {
  const [[level, mend] = []] = levels({ proxyAccessLog: 'off' })
  assert.equal(level, 'warning')
  assert.match(mend!, /KONG_PROXY_ACCESS_LOG/)
  assert.deepEqual(levels({ proxyAccessLog: 'off', meshPlugins: undefined }), [])
})

test('plugins that are loaded while no process tells of itself are a warning that names the operator', () => {
  const [silent] = judgePluginProcesses([], 'http://operator:8080')
  assert.equal(silent!.level, 'warning')
  assert.match(silent!.found, /http:\/\/operator:8080/)
  const [working] = judgePluginProcesses([{ node: 'kong-1' }], 'http://operator:8080')
  assert.deepEqual([working!.level, /kong-1/.test(working!.found)], ['ok', true])
})

test('strategy random is a warning for services without tracing alone', () => {
  const services = ['dark', 'even', 'traced', 'unloaded'].map((service) => ({
    service,
    strategy: service === 'even' ? 'round_robin' : 'random',
  }))
  const tracing = (owner: string, enabled: boolean) =>
    [owner, { kind: 'plugin', name: 'mesh-tracing', owner, fields: { 'config.enabled': enabled } }] as const
  const state = new Map([tracing('dark', false), tracing('even', false), tracing('traced', true)])
  const findings = judgeRandomServices({ services, state } as unknown as Desired)
  assert.deepEqual(
    findings.map(({ level, found }) => [level, found.split(':')[0]]),
    [['warning', 'dark, unloaded']],
  )
})

test('strategy random is a warning where tracing writes no traceparent', () => {
  const written = (inject: readonly string[], format = 'w3c') => {
    const fields = {
      'config.enabled': true,
      'config.propagation.inject': inject,
      'config.propagation.default_format': format,
    }
    const state = new Map([['p', { kind: 'plugin', name: 'mesh-tracing', owner: 'web', fields }]])
    const services = [{ service: 'web', strategy: 'random' }]
    return judgeRandomServices({ services, state } as unknown as Desired).length === 0
  }
  assert.deepEqual(
    [written(['preserve']), written(['b3', 'w3c']), written(['preserve'], 'mesh')],
    [true, true, true],
  )
  assert.deepEqual([written([]), written(['b3']), written(['preserve'], 'b3')], [false, false, false])
})

test('with worker_consistency strict the frequency does not matter', () => {
  assert.deepEqual(levels({ workerConsistency: 'strict', workerStateUpdateFrequency: 5 }), [])
})

test('a DB-less Kong is fine, serves at once, and it is said what cannot be overridden there', () => {
  assert.deepEqual(levels({ database: 'off', workerStateUpdateFrequency: 5 }), [])
  const findings = judgeKong({ ...good, database: 'off' }, 'http://127.0.0.1:8001')
  assert.ok(findings.some(({ found }) => /database off.*override by KV/.test(found)))
})

test('several Admin URLs are told as what they are together', () => {
  const node = (url: string, kind: 'database' | 'dbless' | null) => ({
    url,
    kind,
    isDatabaseReachable: true,
    error: kind === null ? new Error('down') : null,
  })
  const cases = [
    [['database'], []],
    [['dbless', 'dbless'], [['ok', '2 nodes without a database, each kept in step on its own']]],
    [[null, 'database'], [['ok', '2 nodes of one database; http://k1 would be used']]],
    [[null, null], []],
  ] as const
  for (const [kinds, expected] of cases) {
    const findings = judgeKongNodes(kinds.map((kind, at) => node(`http://k${at}`, kind)))
    assert.deepEqual(
      findings.map(({ level, found }) => [level, found]),
      expected,
    )
  }
  const [mixed] = judgeKongNodes([node('http://k0', 'dbless'), node('http://k1', 'database')])
  assert.equal(mixed!.level, 'problem')
  assert.match(mixed!.found, /k0 runs without a database and http:\/\/k1 with one/)
})

test('GET / answering 500 is a warning, not a broken Kong', () => {
  const nothing = {
    version: undefined,
    database: undefined,
    routerFlavor: undefined,
    workerConsistency: undefined,
  }
  const told = levels({
    ...nothing,
    workerStateUpdateFrequency: undefined,
    enabledPlugins: undefined,
    rootError: '500',
  })
  assert.deepEqual(
    told.map(([level]) => level),
    ['warning'],
  )
})

test('Kong 2 is a problem, another Kong 3 a warning', () => {
  assert.equal(levels({ version: '2.8.1' })[0]![0], 'problem')
  assert.equal(levels({ version: '3.4.0' })[0]![0], 'warning')
})

test('Node before 20.11 is a problem', () => {
  assert.equal(nodeFinding('20.10.0').level, 'problem')
  assert.equal(nodeFinding('20.11.0').level, 'ok')
  assert.equal(nodeFinding('24.0.1').level, 'ok')
})

const instance = (given: Partial<Instance>): Instance => ({
  node: 'n1',
  id: 'web-1',
  address: '10.0.0.1',
  port: 80,
  tags: [],
  meta: {},
  weights: { passing: 1, warning: 1 },
  kind: '',
  checks: [],
  ...given,
})
const snapshot = (...instances: Instance[]): CatalogSnapshot => ({ services: new Map([['web', instances]]) })
const local = { kongHost: '127.0.0.1', consulHost: '127.0.0.1', consulNode: 'n1' }
const level = (given: Partial<Instance>, where = local) =>
  judgeAddresses(snapshot(instance(given)), where)[0]!.level

test('a loopback address is fine where Kong, agent and instance share a host', () => {
  assert.equal(level({ address: '127.0.0.1' }), 'ok')
})

test('a loopback address of another node is a problem', () => {
  assert.equal(level({ address: '127.0.0.1', node: 'n2' }), 'problem')
})

test('a loopback address is a problem when Kong is elsewhere', () => {
  assert.equal(level({ address: 'localhost' }, { ...local, kongHost: 'kong' }), 'problem')
})

test('an address of the network is fine from anywhere', () => {
  assert.equal(level({}, { ...local, kongHost: 'kong' }), 'ok')
})

test('a Consul without the configuration entries that are read is too old', () => {
  const levels = ['1.7.9', '1.8.7', '1.22.3', '2.0.0'].map((version) => consulFinding(version, 'here').level)
  assert.deepEqual(levels, ['problem', 'ok', 'ok', 'ok'])
})

test('leader, follower and plugins of one version are fine, others are named with theirs', () => {
  const operator = (id: string, mesh: string, version?: string) => ({
    ...{
      node: 'n',
      id: `kongsul-operator-${mesh}-${id}`,
      address: '',
      port: 1,
      tags: [],
      kind: '',
      checks: [],
    },
    meta: version === undefined ? { mesh } : { mesh, version },
    weights: { passing: 1, warning: 1 },
  })
  const told = (...instances: Instance[]) =>
    judgeOperatorVersions({ services: new Map([['kongsul-operator', instances]]) }, 'm', '2.0.0').map(
      ({ level, found }) => `${level} ${found}`,
    )
  assert.deepEqual(told(operator('a', 'm', '2.0.0'), operator('b', 'other', '1.0.0')), [
    'ok all of version 2.0.0: a 2.0.0',
  ])
  assert.deepEqual(told(operator('a', 'm', '2.0.0'), operator('b', 'm', '1.0.0'), operator('c', 'm')), [
    'warning mixed versions: a 2.0.0, b 1.0.0, c of an older version; this command is 2.0.0',
  ])
  assert.deepEqual(told(), [])
  const plugins = (...versions: (string | null | undefined)[]) =>
    judgePluginVersions(
      versions.map((version) => ({ node: 'k', ...(version === undefined ? {} : { version }) })),
      '2.0.0',
    ).map(({ level }) => level)
  assert.deepEqual(
    [plugins('2.0.0'), plugins(null), plugins('3.0.0'), plugins(undefined)],
    [['ok'], ['warning'], ['warning'], []],
  )
})
