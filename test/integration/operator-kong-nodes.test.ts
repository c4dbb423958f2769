// Several Admin URLs of nodes without database: each is kept in step on its own.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import type { Explanation } from '../../operator/sync/explain.ts'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { type NodesStack, startNodesStack, type TestNode, whenReady } from '../support/kong-nodes-stack.ts'
import { runKongsul } from '../support/kongsul-process.ts'
import { type Switch, startSwitch } from '../support/switch.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: NodesStack
let proxy: FaultyProxy | null = null
let switching: Switch | null = null
let services = 0

before(async () => {
  stack = await startNodesStack()
})
afterEach(async () => {
  await stack.clear()
  await proxy?.close()
  proxy = null
  await switching?.close()
  switching = null
})
after(() => stack.stop())

/** A service with one instance, of which only Kong's row matters. */
async function register(): Promise<string> {
  services += 1
  const service = `web${services}`
  await stack.consul.register({ Name: service, ID: service, Address: '10.0.0.1', Port: 9000 + services })
  return service
}
const reaches = (node: TestNode, service: string) =>
  waitFor(async () => Object.keys(await node.weights(service)).length === 1, {
    what: `${service} at ${node.adminUrl}`,
  })
const nodeStatus = (url: string) =>
  stack
    .operator()
    .status()
    .kong.nodes.find((each) => each.url === url)!
const metric = async (line: string): Promise<boolean> =>
  (await (await fetch(`${stack.operator().url}/metrics`)).text()).includes(line)

test('every DB-less node gets everything, also what it lacked before', async () => {
  const [one, two] = [await stack.addNode('--dbless'), await stack.addNode('--dbless')]
  const known = await register()
  await whenReady(await stack.startOperator([one, two]))
  const service = await register()
  for (const node of [one, two]) {
    await reaches(node, known)
    await reaches(node, service)
  }
  deepEqual(
    stack
      .operator()
      .status()
      .kong.nodes.map(({ url, connected, used, error }) => [url, connected, used, error]),
    [
      [one.adminUrl, true, true, null],
      [two.adminUrl, true, true, null],
    ],
  )
  equal(stack.operator().status().kong.database, 'off')
  ok(await metric(`mesh_kong_connected{node="${two.adminUrl}"} 1`))
})

test('a DB-less node that is killed holds up no other and is filled again when it is back, empty', async () => {
  const [one, two] = [await stack.addNode('--dbless'), await stack.addNode('--dbless')]
  const known = await register()
  await whenReady(await stack.startOperator([one, two]))
  await reaches(one, known)
  await one.kill()
  const service = await register()
  await reaches(two, service)
  await waitFor(() => !nodeStatus(one.adminUrl).connected)
  match(nodeStatus(one.adminUrl).error!, /ECONNREFUSED|failed/)
  equal(stack.operator().status().ready, true)
  ok(await metric(`mesh_kong_connected{node="${one.adminUrl}"} 0`))
  await one.restart()
  await reaches(one, known)
  await reaches(one, service)
  await waitFor(() => nodeStatus(one.adminUrl).connected)
})

test('a DB-less node that refuses configurations holds up no other', async () => {
  const [one, two] = [await stack.addNode('--dbless'), await stack.addNode('--dbless')]
  let isBroken = false
  proxy = await startFaultyProxy(one.adminUrl, (method) =>
    isBroken && method !== 'GET' ? 'refuse-500' : 'none',
  )
  await whenReady(await stack.startOperator([{ ...one, adminUrl: proxy.url }, two]))
  isBroken = true
  const service = await register()
  await reaches(two, service)
  deepEqual(await one.weights(service), {})
  await waitFor(() =>
    stack
      .operator()
      .status()
      .failing.some((each) => each.service === service),
  )
  isBroken = false
  await reaches(one, service)
})

test('a DB-less node that is away at the start gets everything when it comes', async () => {
  const [one, two] = [await stack.addNode('--dbless'), await stack.addNode('--dbless')]
  await one.kill()
  const service = await register()
  await whenReady(await stack.startOperator([one, two]))
  await reaches(two, service)
  await one.restart()
  await reaches(one, service)
})

test('explain reads every node, and tells of one that differs and of one that is away', async () => {
  const [one, two] = [await stack.addNode('--dbless'), await stack.addNode('--dbless')]
  const service = await register()
  await whenReady(await stack.startOperator([one, two]))
  await Promise.all([reaches(one, service), reaches(two, service)])
  const [target] = Object.keys(await two.weights(service))
  const explained = async () => {
    const url = encodeURIComponent(`http://${service}.mesh/`)
    return (await (
      await fetch(`${stack.operator().url}/api/v1/mesh/v2/explain?url=${url}`)
    ).json()) as Explanation
  }
  const same = await explained()
  deepEqual([same.node, same.others], [one.adminUrl, [{ node: two.adminUrl, error: null, differences: [] }]])
  equal((await two.admin('PUT', `/upstreams/${service}.mesh/targets/${target}/unhealthy`)).status, 204)
  const [marked] = (await explained()).others
  match(
    marked!.differences.join(),
    /^target 10\.0\.0\.1:\d+ weight \d+ out: marked unhealthy .* \(not \d+ in\)$/,
  )
  await one.kill()
  const { node, others } = await explained()
  equal(node, two.adminUrl)
  match(others[0]!.error!, /ECONNREFUSED|failed/)
  const text = await runKongsul(['explain', `http://${service}.mesh/`], {
    KONGSUL_ADDR: stack.operator().url,
  })
  match(text.stdout, new RegExp(`node +${two.adminUrl} was read[\\s\\S]*${one.adminUrl} could not be read`))
})

test('a DB-less node and one with a database are refused together, and nothing is written', async () => {
  const [one, two] = [await stack.addNode('--dbless'), await stack.addNode()]
  const service = await register()
  const operator = await stack.startOperator([one, two])
  await waitFor(() => operator.status().reasons.some((reason) => reason.includes('not both')))
  match(
    operator.status().reasons.join(),
    new RegExp(`${one.adminUrl} runs without a database and ${two.adminUrl}`),
  )
  for (const node of [one, two]) deepEqual(await node.weights(service), {})
  equal((await fetch(`${operator.url}/readyz`)).status, 503)
})

test('a node with a database that comes back among DB-less ones is refused, and the others go on', async () => {
  const [one, two, other] = [
    await stack.addNode('--dbless'),
    await stack.addNode('--dbless'),
    await stack.addNode(),
  ]
  let target = one.adminUrl
  switching = await startSwitch(() => target)
  await whenReady(await stack.startOperator([two, { ...one, adminUrl: switching.url }]))
  await switching.cut(() => {
    target = other.adminUrl
  })
  await waitFor(() => nodeStatus(switching!.url).error?.includes('not both') === true)
  const service = await register()
  await reaches(two, service)
  deepEqual(await other.weights(service), {})
})

test('a Kong that is given a database is written to entity by entity from then on, and back', async () => {
  const [one, other] = [await stack.addNode('--dbless'), await stack.addNode()]
  let target = one.adminUrl
  switching = await startSwitch(() => target)
  await whenReady(await stack.startOperator([{ ...one, adminUrl: switching.url }]))
  const known = await register()
  await reaches(one, known)
  await switching.cut(() => {
    target = other.adminUrl
  })
  await reaches(other, known)
  equal(stack.operator().status().kong.database, 'on')
  await switching.cut(() => {
    target = one.adminUrl
  })
  const service = await register()
  await reaches(one, service)
  equal(stack.operator().status().kong.database, 'off')
})
