import { deepEqual, equal, ok } from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import pc from 'picocolors'
import { readOperatorSettings, readOperatorStatus } from '../../../operator/cli/operator-client.ts'
import { statusLines } from '../../../operator/cli/status-report.ts'

const STATUS = {
  ready: true,
  reasons: [],
  totals: {},
  services: [],
  planned: [],
  pending: [],
  failing: [],
  overrides: [],
  problems: [{ code: 'SHRINK_HELD', severity: 'error', service: 'web', message: 'kongsul guard accept web' }],
  held: [],
}

/** What is made of what an operator at a socket tells. */
async function readFrom<T>(
  status: object,
  read: (asked: { addr: string; operatorToken: undefined }) => Promise<T>,
): Promise<T> {
  const server = createServer((_, response) => response.end(JSON.stringify(status)))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const addr = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const answer = await read({ addr, operatorToken: undefined })
  server.close()
  return answer
}

const reportOf = async (status: object) =>
  (await readFrom(status, (asked) => readOperatorStatus(asked, () => {})))!

test('the settings of an operator are what it tells, and of an older one the name of its mesh', async () => {
  const told = { mesh: 'prod', host_suffix: 'prod.test', expose_default: 'all', overrides_policy: 'revert' }
  deepEqual(await readFrom({ ...STATUS, ...told }, readOperatorSettings), {
    ...{ mesh: 'prod', hostSuffix: 'prod.test', expose: 'all', overrides: { policy: 'revert' } },
  })
  deepEqual(await readFrom({ ...STATUS, ...told, expose_default: null }, readOperatorSettings), {
    ...{ mesh: 'prod', hostSuffix: 'prod.test', expose: undefined, overrides: { policy: 'revert' } },
  })
  deepEqual(await readFrom({ ...STATUS, mesh: 'prod' }, readOperatorSettings), { mesh: 'prod' })
})

test('a change that waits because its service is paused counts as not in Kong', async () => {
  const planned = [
    { service: 'web', action: 'create' },
    { service: 'web', action: 'update' },
  ]
  const report = await reportOf({ ...STATUS, planned })
  deepEqual(report.counts.pending, 1)
})

test('of a paused service only the targets that wait have another weight in Kong', async () => {
  const instances = ['10.0.0.1:80', '10.0.0.2:80'].map((target) => ({ target, weight: 100 }))
  const services = [{ service: 'web', state: 'paused', instances }]
  const planned = [
    { service: 'web', action: 'create', kind: 'route', name: 'mesh.web.host' },
    { service: 'web', action: 'update', kind: 'target', name: '10.0.0.2:80' },
  ]
  const { services: told } = await reportOf({ ...STATUS, services, planned })
  deepEqual(
    told[0]!.instances.map(({ weightInKong }) => weightInKong),
    [100, null],
  )
})

test('a weight that somebody gave a target in Kong is the one that Kong has, and the edit is counted below', async () => {
  const instances = [{ id: 'web-1', target: '10.0.0.1:80', weight: 100, health: 'healthy' }]
  const services = [{ service: 'web', state: 'in_sync', exposed: true, instances, hosts: [], paths: [] }]
  const edit = {
    service: 'web',
    kind: 'target',
    name: '10.0.0.1:80',
    field: 'weight',
    wanted: 100,
    actual: 0,
  }
  const report = await reportOf({ ...STATUS, services, overrides: [edit] })
  equal(report.services[0]!.instances[0]!.weightInKong, 0)
  const lines = statusLines(report, { paint: pc.createColors(false), width: () => Number.POSITIVE_INFINITY })
  ok(lines.includes('1 field edited in Kong by hand is kept: see kongsul overrides list.'), lines.join('\n'))
})

test('status tells what is held although it is gone from Consul, and how to let it go', async () => {
  const report = await reportOf(STATUS)
  const [told] = report.problems
  deepEqual([told!.code, told!.service, told!.message], ['SHRINK_HELD', 'web', 'kongsul guard accept web'])
})
