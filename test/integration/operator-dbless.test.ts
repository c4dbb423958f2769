// One Kong without database: everything comes from POST /config, whoever posts it.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { Signer } from '../../operator/client/signer.ts'
import { credentialKey } from '../../operator/core/intentions/caller-entities.ts'
import { privateKeyText } from '../../operator/identity/private-key-file.ts'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { type InstanceProcess, startInstance } from '../support/instance.ts'
import { type NodesStack, startNodesStack, type TestNode, whenReady } from '../support/kong-nodes-stack.ts'
import { describeFailures, startTraffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: NodesStack
let node: TestNode
let proxy: FaultyProxy | null = null
const instances: InstanceProcess[] = []

before(async () => {
  stack = await startNodesStack()
  node = await stack.addNode('--dbless')
})
afterEach(async () => {
  await stack.stopOperator()
  await proxy?.close()
  proxy = null
})
after(async () => {
  await Promise.all(instances.map((each) => each.kill()))
  await stack.stop()
})

async function startOperator(): Promise<void> {
  await whenReady(await stack.startOperator([node]))
}

/** Instances that run, registered with a TTL check of their own. */
async function deploy(service: string, count: number): Promise<InstanceProcess[]> {
  const started: InstanceProcess[] = []
  for (let at = 1; at <= count; at++) {
    const instance = await startInstance(`${service}-${at}`)
    instances.push(instance)
    started.push(instance)
    await stack.consul.register({
      Name: service,
      ID: instance.name,
      Address: '127.0.0.1',
      Port: instance.port,
      Checks: [{ CheckID: `check:${instance.name}`, TTL: '10m', Status: 'passing' }],
    })
  }
  await weightsBecome(service, Object.fromEntries(started.map(({ port }) => [`127.0.0.1:${port}`, 100])))
  return started
}

const weightsBecome = (service: string, weights: Record<string, number>) =>
  waitFor(async () => deepEqual(await node.weights(service), weights) ?? true, {
    what: `${service} having ${JSON.stringify(weights)}`,
  })
const healthOf = async (service: string, port: number): Promise<string | undefined> => {
  const { body } = await node.admin('GET', `/upstreams/${service}.mesh/health`)
  const rows: { target: string; health: string }[] = body.data ?? []
  return rows.find(({ target }) => target === `127.0.0.1:${port}`)?.health
}
const trafficTo = (service: string) =>
  startTraffic({ url: `${node.proxyUrl}/`, headers: () => ({ host: `${service}.mesh` }), perSecond: 200 })
const nameList = async (collection: string): Promise<string[]> => {
  const { body } = await node.admin('GET', `/${collection}?size=1000`)
  return body.data.map((row: { name?: string; username?: string }) => row.name ?? row.username)
}

const FOREIGN = {
  _format_version: '3.0',
  consumers: [{ username: 'ann', keyauth_credentials: [{ key: 'k-1' }], acls: [{ group: 'staff' }] }],
  services: [
    {
      name: 'theirs',
      host: 'theirs-up',
      tags: ['y', '0o14', '12:30'],
      routes: [{ name: 'theirs', paths: ['/theirs'], headers: { 'x-a': ['b: c', '# d'] } }],
      plugins: [{ name: 'key-auth', config: { key_names: ['apikey'] } }],
    },
  ],
  upstreams: [{ name: 'theirs-up', targets: [{ target: '127.0.0.1:9', weight: 7 }] }],
}

test('a service is added to a DB-less Kong and what others configured stays', async () => {
  equal((await node.admin('POST', '/config', FOREIGN)).status, 201)
  const { updated_at: _, ...before } = (await node.admin('GET', '/services/theirs')).body
  await startOperator()
  await deploy('first', 2)
  const { updated_at: __, ...after } = (await node.admin('GET', '/services/theirs')).body
  deepEqual(after, before)
  deepEqual(await nameList('consumers'), ['ann'])
  equal((await node.admin('GET', '/consumers/ann/key-auth')).body.data[0].key, 'k-1')
  deepEqual((await node.admin('GET', '/routes/theirs')).body.headers, { 'x-a': ['b: c', '# d'] })
  deepEqual((await node.admin('GET', '/services/theirs/plugins')).body.data[0].config.key_names, ['apikey'])
  deepEqual((await node.admin('GET', '/upstreams/theirs-up/targets')).body.data[0].weight, 7)
  ok((await nameList('upstreams')).includes('first.mesh'))
})

test('an instance that turns critical gets no weight, and serves again when it passes', async () => {
  await startOperator()
  const [one, two] = await deploy('critical', 2)
  await stack.consul.setCheck(`check:${one!.name}`, 'fail')
  await weightsBecome('critical', { [`127.0.0.1:${one!.port}`]: 0, [`127.0.0.1:${two!.port}`]: 100 })
  await stack.consul.setCheck(`check:${one!.name}`, 'pass')
  await weightsBecome('critical', { [`127.0.0.1:${one!.port}`]: 100, [`127.0.0.1:${two!.port}`]: 100 })
  await waitFor(async () => (await healthOf('critical', one!.port)) === 'HEALTHY')
})

test('a mark does not wait for the batch', async () => {
  let isHeld = false
  proxy = await startFaultyProxy(node.adminUrl, (method, path) =>
    isHeld && method === 'POST' && path.startsWith('/config') ? 'refuse-500' : 'none',
  )
  await whenReady(await stack.startOperator([{ ...node, adminUrl: proxy.url }]))
  const [one] = await deploy('marked', 2)
  isHeld = true
  await stack.consul.setCheck(`check:${one!.name}`, 'fail')
  await waitFor(async () => (await healthOf('marked', one!.port)) === 'UNHEALTHY')
  equal((await node.weights('marked'))[`127.0.0.1:${one!.port}`], 100)
  isHeld = false
  await waitFor(async () => (await node.weights('marked'))[`127.0.0.1:${one!.port}`] === 0)
})

test('settings in KV reach a DB-less Kong', async () => {
  await startOperator()
  await deploy('settings', 1)
  await stack.consul.setKey('mesh/services/settings', { loadBalancing: { strategy: 'least_connections' } })
  await waitFor(
    async () => (await node.admin('GET', '/upstreams/settings.mesh')).body.algorithm === 'least-connections',
  )
})

test('a field that somebody else posts over ours is put right', async () => {
  await startOperator()
  await deploy('edited', 1)
  const { body } = await node.admin('GET', '/config')
  const text = (body.config as string).replace('connect_timeout: 1000', 'connect_timeout: 1234')
  equal((await node.admin('POST', '/config', { config: text })).status, 201)
  await waitFor(
    async () => !(await node.admin('GET', '/config')).body.config.includes('connect_timeout: 1234'),
  )
  deepEqual(stack.operator().status().overrides, [])
})

test('a configuration that somebody else posts is completed with ours and keeps theirs', async () => {
  await startOperator()
  await deploy('wiped', 1)
  const theirs = { ...FOREIGN, consumers: [{ username: 'bob' }] }
  equal((await node.admin('POST', '/config', theirs)).status, 201)
  await waitFor(async () => Object.keys(await node.weights('wiped')).length === 1)
  deepEqual(await nameList('consumers'), ['bob'])
  ok((await nameList('services')).includes('theirs'))
})

test('posting over ours again and again is no reason to give up', async () => {
  await startOperator()
  await deploy('again', 1)
  for (let time = 0; time < 4; time++) {
    equal((await node.admin('POST', '/config', FOREIGN)).status, 201)
    await waitFor(async () => Object.keys(await node.weights('again')).length === 1)
  }
})

test('a configuration posted while ours waits for its batch is merged, not overwritten', async () => {
  await startOperator()
  await deploy('racing', 1)
  await Promise.all([
    stack.consul.setKey('mesh/services/racing', { timeouts: { readMs: 4321 } }),
    node.admin('POST', '/config', { ...FOREIGN, consumers: [{ username: 'carol' }] }),
  ])
  await waitFor(async () => (await node.admin('GET', '/services/mesh.racing')).body.read_timeout === 4321)
  deepEqual(await nameList('consumers'), ['carol'])
})

test('nothing is posted and no configuration is read while nothing changes', async () => {
  proxy = await startFaultyProxy(node.adminUrl, () => 'none')
  await whenReady(await stack.startOperator([{ ...node, adminUrl: proxy.url }]))
  await deploy('quiet', 1)
  await waitFor(() => stack.operator().status().pending.length === 0)
  const before = proxy.requests.length
  await stack.operator().resync()
  await stack.operator().resync()
  const since = proxy.requests.slice(before)
  ok(since.includes('GET /status'))
  deepEqual(
    since.filter((line) => line.includes('/config')),
    [],
  )
})

test('an operator that is started again posts nothing that is there already', async () => {
  await startOperator()
  await deploy('kept', 1)
  await stack.stopOperator()
  proxy = await startFaultyProxy(node.adminUrl, () => 'none')
  await whenReady(await stack.startOperator([{ ...node, adminUrl: proxy.url }]))
  await waitFor(() => stack.operator().status().pending.length === 0)
  const changes = stack.operator().changes({ limit: 100 })
  // The operator itself is in the catalog, with its new port.
  deepEqual(
    changes.filter(({ service }) => service !== 'kongsul-operator'),
    [],
  )
})

test('many changes at once are few configurations', async () => {
  proxy = await startFaultyProxy(node.adminUrl, () => 'none')
  await whenReady(await stack.startOperator([{ ...node, adminUrl: proxy.url }]))
  for (let at = 0; at < 60; at++) {
    await stack.consul.register({
      Name: `many-${at}`,
      ID: `many-${at}`,
      Address: '10.0.0.1',
      Port: 9000 + at,
    })
  }
  await waitFor(
    async () => (await nameList('services')).filter((name) => name.includes('many')).length === 60,
  )
  const posts = proxy.requests.filter((line) => line.startsWith('POST /config'))
  ok(posts.length <= 15, `${posts.length} configurations`)
})

test('adding, emptying and removing instances under traffic fails no request', async () => {
  await startOperator()
  const [one] = await deploy('busy', 3)
  await waitFor(async () => {
    const traffic = trafficTo('busy')
    await waitFor(() => traffic.shots.length > 0)
    return (await traffic.stop()).every(({ status }) => status === 200)
  })
  const traffic = trafficTo('busy')
  await deploy('neighbour', 1)
  await stack.consul.setCheck(`check:${one!.name}`, 'fail')
  await waitFor(async () => (await node.weights('busy'))[`127.0.0.1:${one!.port}`] === 0)
  await one!.kill()
  await stack.consul.deregister(one!.name)
  await waitFor(async () => Object.keys(await node.weights('busy')).length === 2)
  await stack.consul.setKey('mesh/services/busy', { loadBalancing: { strategy: 'least_connections' } })
  await waitFor(
    async () => (await node.admin('GET', '/upstreams/busy.mesh')).body.algorithm === 'least-connections',
  )
  deepEqual(describeFailures(await traffic.stop()), [])
})

test('an instance that is killed under traffic fails no request', async () => {
  await startOperator()
  const [one] = await deploy('crash', 3)
  const traffic = trafficTo('crash')
  await waitFor(() => traffic.shots.length >= 100)
  await one!.kill('SIGKILL')
  await stack.consul.setCheck(`check:${one!.name}`, 'fail')
  await waitFor(async () => (await node.weights('crash'))[`127.0.0.1:${one!.port}`] === 0)
  const at = traffic.shots.length
  await waitFor(() => traffic.shots.length >= at + 100)
  deepEqual(describeFailures(await traffic.stop()), [])
})

test('fields cannot be pinned and nothing adopted without a database, and it says what to do', async () => {
  await startOperator()
  await deploy('pinned', 1)
  const call = async (method: string, path: string, body: unknown) => {
    const answer = await fetch(`${stack.operator().url}/api/v1/mesh/v2/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const { error } = (await answer.json()) as { error: { message: string } }
    return { status: answer.status, message: error.message }
  }
  const pin = await call('PUT', 'overrides/service%2Fmesh.pinned', { field: 'read_timeout' })
  equal(pin.status, 409)
  match(pin.message, /without a database.*KV mesh\/services\/pinned/)
  const adopted = await call('POST', 'adopt', { kind: 'service', name: 'mesh.pinned' })
  equal(adopted.status, 409)
  match(adopted.message, /without a database/)
})

test('a target that a person keeps out by a pinned mark stays out', async () => {
  await startOperator()
  const [one] = await deploy('person', 2)
  const target = `127.0.0.1:${one!.port}`
  const { body } = await node.admin('GET', '/upstreams/person.mesh/targets')
  const { id } = body.data.find((row: { target: string }) => row.target === target)
  const answer = await fetch(`${stack.operator().url}/api/v1/mesh/v2/overrides/${id}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ field: 'health' }),
  })
  equal(answer.status, 200)
  equal((await node.admin('PUT', `/upstreams/person.mesh/targets/${target}/unhealthy`)).status, 204)
  await stack.consul.setKey('mesh/services/person', { timeouts: { readMs: 1111 } })
  await waitFor(async () => (await node.admin('GET', '/services/mesh.person')).body.read_timeout === 1111)
  const untagged = async () =>
    !(await node.admin('GET', '/upstreams/person.mesh/targets')).body.data
      .find((row: { target: string }) => row.target === target)
      .tags.includes('kongsul.override:health')
  equal(await untagged(), false)
  // Longer than the time after which the operator takes back a mark of Kong's own.
  const marked = Date.now()
  await waitFor(() => Date.now() - marked > 3500)
  equal(await healthOf('person', one!.port), 'UNHEALTHY')
})

test('intentions hold: who may call whom, by name and for all others, and a revoked key is refused', async () => {
  await startOperator()
  const services = ['front', 'back', 'store'] as const
  for (const service of services) await deploy(service, 1)
  const api = async (method: string, path: string, body?: object) => {
    const json = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
    const url = `${stack.operator().url}/api/v1/mesh/v2${path}`
    const answer = await fetch(url, { method, ...(body === undefined ? {} : json) })
    ok(answer.ok, `${method} ${path}: ${answer.status}`)
    // biome-ignore lint/suspicious/noExplicitAny: any answer
    return (await answer.json()) as any
  }
  const signers = new Map<string, Signer>()
  for (const service of services) {
    const { kid, private_key: key } = await api('POST', '/identities', { service })
    const text = privateKeyText(credentialKey(service, kid), key)
    const onFault = (fault: unknown) => ok(false, String(fault))
    signers.set(service, new Signer({ identity: { text }, nowMs: Date.now, onFault }))
  }
  const status = async (to: string, from: string | null) => {
    const authorization = from === null ? undefined : signers.get(from)!.authorization()
    const headers = authorization === undefined ? {} : { authorization }
    return (await fetch(`${node.proxyUrl}/${to}/`, { headers })).status
  }
  /** By front, back, store and somebody without identity. */
  const becomes = (to: string, expected: readonly number[]) =>
    waitFor(
      async () => {
        const found = await Promise.all([...services, null].map((from) => status(to, from)))
        return deepEqual(found, expected) ?? true
      },
      { what: `calls of ${to} being answered ${expected.join()}` },
    )
  const intend = async (SourceName: string, DestinationName: string, Action: string) => {
    const body = { SourceName, DestinationName, Action, SourceType: 'consul' }
    const { ID } = (await stack.consul.request('POST', '/connect/intentions', body)) as { ID: string }
    return () => stack.consul.request('DELETE', `/connect/intentions/${ID}`)
  }
  const undo = [
    await intend('front', 'back', 'allow'),
    await intend('*', 'back', 'deny'),
    await intend('back', 'store', 'deny'),
  ]
  await becomes('back', [200, 403, 403, 401])
  await becomes('store', [200, 403, 200, 401])
  await becomes('front', [200, 200, 200, 200])
  await api('DELETE', '/identities/front')
  await becomes('back', [401, 403, 403, 401])
  for (const each of undo) await each()
  await becomes('back', [200, 200, 200, 200])
})
