import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type CatalogChange, CatalogWatch } from '../../operator/consul/catalog-watch.ts'
import { type ConsulReader, createConsulReader } from '../../operator/consul/consul-reader.ts'
import { listedRows } from '../../operator/consul/listed-rows.ts'
import { watchSettings } from '../../operator/consul/settings-watch.ts'
import { instancesFromRows } from '../../operator/core/consul-row.ts'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import { createMetrics } from '../../operator/telemetry/metrics.ts'
import { startConsul, type TestConsul } from '../support/consul.ts'
import { waitFor } from '../support/wait-for.ts'

let consul: TestConsul
let reader: ConsulReader
let last: CatalogChange | null = null
let count = () => Promise.resolve(0)
const stop = new AbortController()
const reasons: string[] = []
before(async () => {
  consul = await startConsul({ keepData: true })
  const metrics = createMetrics('0.0.0')
  count = async () => (await metrics.consulRequests.get()).values.reduce((sum, each) => sum + each.value, 0)
  reader = createConsulReader({ url: consul.url }, metrics)
  const watch = new CatalogWatch({
    reader,
    log: silentLogger,
    signal: stop.signal,
    onDoubt: () => {},
    onChange: (change) => {
      last = change
      reasons.push(...[...change.reasons.values()].flat())
    },
  })
  void watch.run()
  await waitFor(() => last, { what: 'the first snapshot' })
})
after(async () => {
  stop.abort()
  reader.close()
  await consul.stop()
})

const instances = (service: string) => last?.snapshot.services.get(service) ?? []
const ports = (service: string) => instances(service).map(({ port }) => port)
const becomes = (service: string, expected: number[]) =>
  waitFor(() => deepEqual(ports(service), expected) ?? true, { what: `${service} with ports ${expected}` })

test('instances without checks are seen as they come, change and go, in at most five requests each', async () => {
  await consul.register({ Name: 'web', ID: 'web-1', Port: 1 })
  await becomes('web', [1])
  const steps: [change: () => Promise<void>, ports: number[]][] = [
    [() => consul.register({ Name: 'web', ID: 'web-2', Port: 2 }), [1, 2]],
    [() => consul.register({ Name: 'web', ID: 'web-2', Port: 22 }), [1, 22]],
    [() => consul.deregister('web-2'), [1]],
  ]
  for (const [change, expected] of steps) {
    const before = await count()
    await change()
    await becomes('web', expected)
    ok((await count()) - before <= 5)
  }
})

test('another meta or weight of an instance without checks is seen', async () => {
  await consul.register({ Name: 'web', ID: 'web-1', Port: 1, Meta: { version: '2' } })
  await waitFor(() => instances('web')[0]?.meta['version'] === '2')
  await consul.register({ Name: 'web', ID: 'web-1', Port: 1, Weights: { Passing: 7, Warning: 1 } })
  await waitFor(() => instances('web')[0]?.weights.passing === 7)
})

test('twenty instances without checks registered at once are all seen', async () => {
  const all = Array.from({ length: 20 }, (_, at) => 100 + at)
  await Promise.all(all.map((port) => consul.register({ Name: 'burst', ID: `burst-${port}`, Port: port })))
  await becomes('burst', all)
})

test('a check that fails and passes again is seen both times', async () => {
  await consul.register({
    Name: 'checked',
    ID: 'checked-1',
    Port: 5,
    Check: { TTL: '600s', Status: 'passing' },
  })
  const status = () => instances('checked')[0]?.checks.find(({ id }) => id === 'service:checked-1')?.status
  await waitFor(() => status() === 'passing')
  await consul.setCheck('service:checked-1', 'fail')
  await waitFor(() => status() === 'critical')
  await consul.setCheck('service:checked-1', 'pass')
  await waitFor(() => status() === 'passing')
  ok(reasons.includes('check service:checked-1 of checked-1 critical'))
})

test('maintenance of the node touches every service on it', async () => {
  const inMaintenance = (service: string) =>
    instances(service).every(({ checks }) => checks.some(({ id }) => id === '_node_maintenance'))
  await consul.request('PUT', '/agent/maintenance?enable=true')
  await waitFor(() => inMaintenance('web') && inMaintenance('burst') && inMaintenance('checked'))
  await consul.request('PUT', '/agent/maintenance?enable=false')
  await waitFor(() => !inMaintenance('web') && !inMaintenance('burst') && !inMaintenance('checked'))
})

test('another address of a node moves the instances that have none of their own', async () => {
  const node = (Address: string, extra: object = {}) =>
    consul.request('PUT', '/catalog/register', { Node: 'other', Address, ...extra })
  await node('10.0.0.1', { Service: { Service: 'far', ID: 'far-1', Port: 9 } })
  await waitFor(() => instances('far')[0]?.address === '10.0.0.1')
  await node('10.0.0.2')
  await waitFor(() => instances('far')[0]?.address === '10.0.0.2')
})

test('a service with a name of many kinds of characters is read', async () => {
  const name = 'Odd.name_with spaces & ünï'
  await consul.register({ Name: name, ID: 'odd-1', Port: 77 })
  await becomes(name, [77])
})

test('services that Consul cannot be asked for by name hold up no other', async () => {
  const names = ['.', '..', 'a//b', 'a/../b', '/lead', 'tab\there']
  for (const [at, name] of names.entries()) await consul.register({ Name: name, ID: `bad-${at}`, Port: 78 })
  await consul.register({ Name: 'beside', ID: 'beside-1', Port: 79 })
  await becomes('beside', [79])
  for (const at of names.keys()) await consul.deregister(`bad-${at}`)
  await consul.register({ Name: 'beside', ID: 'beside-2', Port: 80 })
  await becomes('beside', [79, 80])
})

test('services whose names differ in case only have their own instances', async () => {
  await consul.register({ Name: 'case', ID: 'case-1', Port: 81 })
  await consul.register({ Name: 'CASE', ID: 'case-2', Port: 82 })
  await becomes('CASE', [82])
  await consul.register({ Name: 'case', ID: 'case-3', Port: 83 })
  await becomes('case', [81, 83])
  deepEqual(ports('CASE'), [82])
})

test('a listing of the catalog shows each service as a read of it does', async () => {
  const nodes = ['listed-1', 'listed-2']
  const check = (Node: string, CheckID: string, ServiceID = '', Status = 'passing') => ({
    ...{ Node, CheckID, ServiceID, Status, Name: CheckID },
  })
  for (const [at, Node] of nodes.entries()) {
    for (const ID of ['listed-a', 'listed-b', 'other']) {
      const Service = { ID, Service: ID.split('-')[0]!, Port: 80 + at }
      const Checks = [
        ...[check(Node, `z:${ID}`, ID), check(Node, `a:${ID}`, ID, 'critical')],
        ...[check(Node, 'zz'), check(Node, 'aa', '', 'warning')],
      ]
      await consul.request('PUT', '/catalog/register', { Node, Address: `10.0.0.${at}`, Service, Checks })
    }
  }
  const { body, index } = await reader.dump()
  const { rows } = listedRows(body, new Set(['listed', 'other', 'web']), index)
  equal(rows.get('listed')?.length, 4)
  for (const [name, listed] of rows)
    deepEqual(instancesFromRows(listed), instancesFromRows((await reader.service(name)).body))
  for (const Node of nodes) await consul.request('PUT', '/catalog/deregister', { Node })
})

test('unchanged services keep the identity of their lists', async () => {
  const web = instances('web')
  await consul.register({ Name: 'unrelated', ID: 'unrelated-1', Port: 3 })
  await becomes('unrelated', [3])
  equal(instances('web'), web)
})

test('settings that somebody deletes are gone, though the index goes backwards or stays', async () => {
  const over = new AbortController()
  let told: ReadonlyMap<string, string> = new Map()
  const watched = watchSettings({
    reader,
    log: silentLogger,
    signal: over.signal,
    onDocuments: (documents) => {
      told = documents
    },
    onDoubt: () => {},
    waitMs: 200,
  })
  const become = (expected: object) =>
    waitFor(() => deepEqual(Object.fromEntries(told), expected) ?? true, { what: JSON.stringify(expected) })
  const deleteOld = async () => {
    await consul.setKey('mesh/services/old', {})
    await consul.setKey('mesh/services/web', {})
    await become({ 'mesh/services/old': '{}', 'mesh/services/web': '{}' })
    await consul.deleteKey('mesh/services/old')
    await become({ 'mesh/services/web': '{}' })
  }
  // Consul remembers this deletion as one of `mesh`, which is not below `mesh/`: only that of `old` is.
  const deleteAll = async () => {
    await consul.deleteKey('mesh?recurse')
    await become({})
  }
  await deleteOld()
  await consul.setKey('mesh/services/web', { retries: 1 })
  await become({ 'mesh/services/web': '{"retries":1}' })
  await deleteAll()
  await deleteOld()
  await deleteAll()
  over.abort()
  await watched
})

test('an agent that is killed and comes back with its data changes nothing, and what comes after is seen', async () => {
  const before = last!.snapshot.services
  await consul.kill()
  await consul.start()
  await consul.register({ Name: 'later', ID: 'later-1', Port: 4 })
  await becomes('later', [4])
  equal(last!.snapshot.services.get('burst')?.length, before.get('burst')?.length)
})
