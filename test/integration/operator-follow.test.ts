import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
before(async () => {
  stack = await startStack()
  await stack.startOperator()
})
after(() => stack.stop())

const instance = (name: string, at: number, over: object = {}) => ({
  Name: name,
  ID: `${name}-${at}`,
  Address: '127.0.0.1',
  Port: 9000 + at,
  Check: { TTL: '600s', Status: 'passing' },
  ...over,
})
const weightsBecome = (service: string, weights: Record<string, number>) =>
  waitFor(async () => deepEqual(await stack.weights(service), weights) ?? true, {
    what: `the targets of ${service} being ${JSON.stringify(weights)}`,
  })

test('a registered service gets an upstream, a target, a service and a route', async () => {
  await stack.consul.register(instance('web', 1))
  await weightsBecome('web', { '127.0.0.1:9001': 100 })
  await waitFor(async () => (await stack.admin('GET', '/services/mesh.web/routes')).body.data?.length > 0)
  equal((await stack.admin('GET', '/services/mesh.web')).body.host, 'web.mesh')
})

test('a second instance is added, and one without checks is found as well', async () => {
  await stack.consul.register(instance('web', 2))
  await weightsBecome('web', { '127.0.0.1:9001': 100, '127.0.0.1:9002': 100 })
  await stack.consul.register(instance('web', 3, { Check: undefined }))
  await weightsBecome('web', { '127.0.0.1:9001': 100, '127.0.0.1:9002': 100, '127.0.0.1:9003': 100 })
})

test('another port of an instance without checks moves its target', async () => {
  await stack.consul.register(instance('web', 3, { Check: undefined, Port: 9333 }))
  await weightsBecome('web', { '127.0.0.1:9001': 100, '127.0.0.1:9002': 100, '127.0.0.1:9333': 100 })
})

test('a critical instance loses its weight and gets it back when it passes', async () => {
  await stack.consul.setCheck('service:web-1', 'fail')
  await weightsBecome('web', { '127.0.0.1:9001': 0, '127.0.0.1:9002': 100, '127.0.0.1:9333': 100 })
  await stack.consul.setCheck('service:web-1', 'pass')
  await weightsBecome('web', { '127.0.0.1:9001': 100, '127.0.0.1:9002': 100, '127.0.0.1:9333': 100 })
})

test('an instance in maintenance loses its weight', async () => {
  await stack.consul.request('PUT', '/agent/service/maintenance/web-2?enable=true')
  await weightsBecome('web', { '127.0.0.1:9001': 100, '127.0.0.1:9002': 0, '127.0.0.1:9333': 100 })
  await stack.consul.request('PUT', '/agent/service/maintenance/web-2?enable=false')
  await weightsBecome('web', { '127.0.0.1:9001': 100, '127.0.0.1:9002': 100, '127.0.0.1:9333': 100 })
})

test('a strategy written to KV changes the algorithm, and deleting it changes it back', async () => {
  const algorithm = async () => (await stack.admin('GET', '/upstreams/web.mesh')).body.algorithm
  await stack.consul.setKey('mesh/services/web', { loadBalancing: { strategy: 'least_connections' } })
  await waitFor(async () => (await algorithm()) === 'least-connections')
  await stack.consul.deleteKey('mesh/services/web')
  await waitFor(async () => (await algorithm()) === 'round-robin')
})

test('a deregistered instance loses its target', async () => {
  await stack.consul.deregister('web-3')
  await weightsBecome('web', { '127.0.0.1:9001': 100, '127.0.0.1:9002': 100 })
})

test('after a sync there is nothing left to change, and a resync writes nothing', async () => {
  await stack.settled()
  const writes = await kongWrites()
  await stack.operator().resync()
  await stack.settled()
  equal(await kongWrites(), writes)
})

test('a service whose last instance goes leaves nothing behind', async () => {
  await stack.consul.deregister('web-1')
  await weightsBecome('web', { '127.0.0.1:9002': 100 })
  await stack.consul.deregister('web-2')
  await waitFor(async () => (await stack.admin('GET', '/upstreams/web.mesh')).status === 404)
  await stack.settled()
  equal((await stack.admin('GET', '/services/mesh.web')).status, 404)
  const { body } = await stack.admin('GET', '/routes?size=1000')
  ok(!JSON.stringify(body).includes('mesh.web'))
})

test('a host that moves from one service to another is never routed by both', async () => {
  const claim = (hosts: string[]) => ({ routing: { hosts, allowed: ['shop.example'] } })
  await stack.consul.register(instance('old', 1))
  await stack.consul.register(instance('new', 2))
  await stack.consul.setKey('mesh/services/old', claim(['shop.example']))
  const owners = async () => {
    const { body } = await stack.admin('GET', '/routes?size=1000')
    const rows: { name: string; hosts: string[] | null }[] = body.data
    return rows.filter((row) => row.hosts?.includes('shop.example')).map((row) => row.name)
  }
  await waitFor(async () => (await owners()).length === 1)
  const seen: number[] = []
  await stack.consul.request('PUT', '/txn', [
    kv('mesh/services/old', {}),
    kv('mesh/services/new', claim(['shop.example'])),
  ])
  await waitFor(async () => {
    const names = await owners()
    seen.push(names.length)
    return names[0]?.startsWith('mesh.new')
  })
  ok(seen.every((count) => count <= 1))
})

function kv(Key: string, value: unknown) {
  return { KV: { Verb: 'set', Key, Value: Buffer.from(JSON.stringify(value)).toString('base64') } }
}

async function kongWrites(): Promise<number> {
  const text = await (await fetch(`${stack.operator().url}/metrics`)).text()
  const counts = [
    ...text.matchAll(/^mesh_kong_requests_total\{method="(?:POST|PUT|PATCH|DELETE)".*\} (\d+)$/gm),
  ]
  return counts.reduce((sum, [, count]) => sum + Number(count), 0)
}
