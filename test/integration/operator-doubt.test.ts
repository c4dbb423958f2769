import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { type Fault, type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
let proxy: FaultyProxy | null = null
before(async () => {
  stack = await startStack()
})
afterEach(async () => {
  await stack.stopOperator()
  await proxy?.close()
  proxy = null
})
after(() => stack.stop())

const register = (name: string, at: number) =>
  stack.consul.register({ Name: name, ID: `${name}-${at}`, Address: '127.0.0.1', Port: 9100 + at })
const targets = async (service: string) => Object.keys(await stack.weights(service))
const targetsBecome = (service: string, names: string[]) =>
  waitFor(async () => deepEqual(await targets(service), names) ?? true, { what: `${service} being ${names}` })

test('Consul killed and back with an empty catalog takes nothing away, and a new service is seen', async () => {
  for (const at of [1, 2, 3]) await register('web', at)
  await stack.startOperator()
  await targetsBecome('web', ['127.0.0.1:9101', '127.0.0.1:9102', '127.0.0.1:9103'])
  await stack.consul.kill()
  await waitFor(() => !stack.operator().status().consul.connected)
  equal((await targets('web')).length, 3)
  await stack.consul.start()
  await register('fresh', 9)
  await targetsBecome('fresh', ['127.0.0.1:9109'])
  equal((await targets('web')).length, 3)
  equal((await stack.admin('GET', '/services/mesh.web')).status, 200)
  equal(stack.operator().status().held.length, 3)
})

test('an operator that starts against an emptied Consul takes nothing away', async () => {
  await stack.startOperator()
  await stack.settled()
  equal((await targets('web')).length, 3)
})

test('held instances that register again are held no more', async () => {
  await stack.startOperator()
  for (const at of [1, 2, 3]) await register('web', at)
  await waitFor(() => stack.operator().status().held.length === 0)
  await stack.consul.deregister('web-3')
  await targetsBecome('web', ['127.0.0.1:9101', '127.0.0.1:9102'])
})

test('settings that vanish with the data of Consul are kept', async () => {
  await stack.startOperator()
  const algorithm = async () => (await stack.admin('GET', '/upstreams/web.mesh')).body.algorithm
  await stack.consul.setKey('mesh/services/web', { loadBalancing: { strategy: 'least_connections' } })
  await waitFor(async () => (await algorithm()) === 'least-connections')
  await stack.consul.kill()
  await waitFor(() => !stack.operator().status().consul.connected)
  await stack.consul.start()
  for (const at of [1, 2]) await register('web', at)
  await waitFor(() => stack.operator().status().consul.connected)
  await stack.settled()
  equal(await algorithm(), 'least-connections')
  await stack.consul.setKey('mesh/services/web', {})
  await waitFor(async () => (await algorithm()) === 'round-robin')
})

test('a service whose calls fail holds up no other and is applied when they work again', async () => {
  let isBroken = true
  proxy = await startFaultyProxy(stack.adminUrl, (method, _path, body) =>
    isBroken && method === 'POST' && body.includes('broken.mesh') ? 'refuse-500' : 'none',
  )
  await stack.startOperator({ kong: { adminUrl: proxy.url } })
  await register('broken', 21)
  await waitFor(() => stack.operator().status().failing.length === 1)
  await register('sound', 22)
  await targetsBecome('sound', ['127.0.0.1:9122'])
  equal(stack.operator().status().failing[0]?.service, 'broken')
  isBroken = false
  await targetsBecome('broken', ['127.0.0.1:9121'])
  await waitFor(() => stack.operator().status().failing.length === 0)
})

test('answers that get lost after the write lead to the same state', async () => {
  let count = 0
  proxy = await startFaultyProxy(stack.adminUrl, (method) =>
    method !== 'GET' && count++ % 2 === 0 ? 'drop' : 'none',
  )
  await stack.startOperator({ kong: { adminUrl: proxy.url } })
  await register('lossy', 31)
  await waitFor(async () => (await stack.admin('GET', '/services/mesh.lossy/routes')).body.data?.length > 0)
  await stack.settled()
  await targetsBecome('lossy', ['127.0.0.1:9131'])
  const { body } = await stack.admin('GET', '/upstreams?size=1000')
  equal(body.data.filter((row: { name: string }) => row.name === 'lossy.mesh').length, 1)
})

const FAULTS: [what: string, fault: Fault][] = [
  ['409', { status: 409, body: '{"message":"UNIQUE violation","code":5}' }],
  ['429', { status: 429, headers: { 'retry-after': '1' }, body: '{"message":"API rate limit exceeded"}' }],
  ['503 in HTML', { status: 503, body: '<html>no</html>' }],
  ['a connection that is cut before the write', 'cut'],
  ['a connection that is cut after the write', 'drop'],
]
for (const [at, [what, fault]] of FAULTS.entries()) {
  test(`${what} in the middle of an apply: the service is whole when Kong works again`, async () => {
    const service = `fault-${at}`
    let writes = 0
    let faults = 0
    proxy = await startFaultyProxy(stack.adminUrl, (method) => {
      if (method === 'GET') return 'none'
      writes += 1
      if (writes % 2 === 1 || faults >= 4) return 'none'
      faults += 1
      return fault
    })
    await stack.startOperator({ kong: { adminUrl: proxy.url } })
    await register(service, 70 + at)
    await targetsBecome(service, [`127.0.0.1:${9170 + at}`])
    const routes = async () =>
      (await stack.admin('GET', `/services/mesh.${service}/routes`)).body.data?.length
    await waitFor(async () => (await routes()) === 2, { what: 'both routes' })
    await stack.settled()
    ok(faults > 0)
    equal((await stack.admin('GET', `/services/mesh.${service}`)).body.host, `${service}.mesh`)
  })
}

test('a Kong that takes five seconds for one service does not hold up the others, and is waited for', async () => {
  proxy = await startFaultyProxy(stack.adminUrl, (method, _path, body) =>
    method !== 'GET' && body.includes('"slow.mesh"') && body.includes('algorithm')
      ? { delayMs: 5000 }
      : 'none',
  )
  await stack.startOperator({ kong: { adminUrl: proxy.url, timeoutMs: 10_000 } })
  await register('slow', 81)
  await waitFor(() => stack.operator().status().pending.includes('slow'))
  await register('quick', 82)
  await targetsBecome('quick', ['127.0.0.1:9182'])
  equal((await stack.admin('GET', '/upstreams/slow.mesh')).status, 404)
  await waitFor(async () => (await targets('slow')).length === 1, {
    what: 'the slow one',
  })
})

test('a wiped Kong is rebuilt', async () => {
  await stack.startOperator()
  await register('rebuilt', 41)
  await waitFor(async () => (await stack.admin('GET', '/services/mesh.rebuilt/routes')).body.data?.length > 0)
  await stack.settled()
  for (const kind of ['plugins', 'routes', 'services', 'upstreams']) {
    const { body } = await stack.admin('GET', `/${kind}?size=1000`)
    for (const { id } of body.data) await stack.admin('DELETE', `/${kind}/${id}`)
  }
  await stack.operator().resync()
  await targetsBecome('rebuilt', ['127.0.0.1:9141'])
  await waitFor(async () => (await stack.admin('GET', '/services/mesh.rebuilt/routes')).body.data?.length > 0)
})

test('a wiped Kong is noticed without waiting for the resync', async () => {
  await stack.startOperator()
  await stack.settled()
  for (const kind of ['plugins', 'routes', 'services', 'upstreams']) {
    const { body } = await stack.admin('GET', `/${kind}?size=1000`)
    for (const { id } of body.data) await stack.admin('DELETE', `/${kind}/${id}`)
  }
  await targetsBecome('rebuilt', ['127.0.0.1:9141'])
})

test('entities that are not ours stay as they are', async () => {
  await stack.admin('PUT', '/services/by-hand', { host: 'example.test', tags: ['mine'] })
  await stack.admin('PUT', '/services/by-hand/routes/by-hand', { hosts: ['hand.example'] })
  await stack.admin('PUT', '/upstreams/by-hand', {})
  const read = async () => [
    (await stack.admin('GET', '/services/by-hand')).body,
    (await stack.admin('GET', '/routes/by-hand')).body,
    (await stack.admin('GET', '/upstreams/by-hand')).body,
  ]
  const before = await read()
  await stack.startOperator()
  await register('neighbour', 51)
  await targetsBecome('neighbour', ['127.0.0.1:9151'])
  await stack.operator().resync()
  await stack.settled()
  deepEqual(await read(), before)
})

test('a field edited through the Admin API is kept and reported after a resync', async () => {
  await stack.startOperator()
  await stack.settled()
  await stack.admin('PATCH', '/services/mesh.neighbour', { retries: 9 })
  await stack.operator().resync()
  await waitFor(() =>
    stack
      .operator()
      .status()
      .overrides.some((each) => each.field === 'retries'),
  )
  await stack.settled()
  equal((await stack.admin('GET', '/services/mesh.neighbour')).body.retries, 9)
})

test('a dry run writes nothing and says what it would', async () => {
  await register('dry', 61)
  proxy = await startFaultyProxy(stack.adminUrl, () => 'none')
  await stack.startOperator({ kong: { adminUrl: proxy.url }, dryRun: true })
  await waitFor(() =>
    stack
      .operator()
      .status()
      .planned.some((each) => each.service === 'dry'),
  )
  ok(proxy.requests.every((request) => request.startsWith('GET ')))
})

test('stopping takes less than a second', async () => {
  await stack.startOperator()
  const startedMs = performance.now()
  await stack.stopOperator()
  ok(performance.now() - startedMs < 1000)
})
