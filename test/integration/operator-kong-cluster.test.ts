// Several Admin URLs of one database: one is used, and the next when that is gone.
import { deepEqual, equal } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import type { Explanation } from '../../operator/sync/explain.ts'
import { type NodesStack, startNodesStack, type TestNode, whenReady } from '../support/kong-nodes-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: NodesStack
let folder: string
let services = 0

before(async () => {
  stack = await startNodesStack()
  folder = mkdtempSync(join(tmpdir(), 'kong-nodes-'))
})
afterEach(() => stack.clear())
after(async () => {
  await stack.stop()
  rmSync(folder, { recursive: true })
})

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
async function cluster(count: number): Promise<TestNode[]> {
  const state = join(mkdtempSync(join(folder, 'state-')), 'gw.json')
  const nodes: TestNode[] = []
  for (let at = 0; at < count; at++) {
    nodes.push(await stack.addNode('--state', state, '--db-update-frequency', '0.1'))
  }
  return nodes
}

test('nodes of one database are written to through one of them, and through the next when that is killed', async () => {
  const [one, two] = (await cluster(2)) as [TestNode, TestNode]
  await whenReady(await stack.startOperator([one, two]))
  equal(stack.operator().status().kong.database, 'on')
  deepEqual(
    stack
      .operator()
      .status()
      .kong.nodes.map(({ used }) => used),
    [true, false],
  )
  const known = await register()
  await reaches(two, known)
  await one.kill()
  const service = await register()
  await reaches(two, service)
  await waitFor(() => nodeStatus(two.adminUrl).used)
  equal(stack.operator().status().kong.connected, true)
  equal(stack.operator().status().ready, true)
  await waitFor(() => nodeStatus(one.adminUrl).error !== null)
  equal(nodeStatus(one.adminUrl).connected, false)
  await one.restart()
  await reaches(one, service)
  await two.kill()
  const last = await register()
  await reaches(one, last)
})

test('explain reads every node of one database', async () => {
  const [one, two] = (await cluster(2)) as [TestNode, TestNode]
  const operator = await stack.startOperator([one, two])
  await whenReady(operator)
  const service = await register()
  await Promise.all([reaches(one, service), reaches(two, service)])
  const explained = async () => {
    const url = encodeURIComponent(`http://${service}.mesh/`)
    return (await (await fetch(`${operator.url}/api/v1/mesh/v2/explain?url=${url}`)).json()) as Explanation
  }
  const { node, targets, others } = await waitFor(async () => {
    const told = await explained()
    return told.route !== null && told.others[0]?.differences.length === 0 ? told : null
  })
  equal(node, one.adminUrl)
  equal(targets.length, 1)
  deepEqual(others, [{ node: two.adminUrl, error: null, differences: [] }])
})

test('a node of a database that hangs is left for one that answers', async () => {
  const [one, two] = (await cluster(2)) as [TestNode, TestNode]
  const { adminUrl } = stack.kongOf([one, two])
  await whenReady(await stack.startOperator([one, two], { kong: { adminUrl, timeoutMs: 1000, parallel: 8 } }))
  const { body } = await one.admin('GET', '/')
  process.kill(body.pids.master, 'SIGSTOP')
  try {
    const service = await register()
    await reaches(two, service)
    await waitFor(() => nodeStatus(two.adminUrl).used && nodeStatus(two.adminUrl).connected)
  } finally {
    process.kill(body.pids.master, 'SIGCONT')
  }
})

test('a node of another database is refused and never written to', async () => {
  const [one] = (await cluster(1)) as [TestNode]
  const other = await stack.addNode()
  const service = await register()
  await whenReady(await stack.startOperator([one]))
  await reaches(one, service)
  await stack.stopOperator()
  const operator = await stack.startOperator([one, other])
  await waitFor(() => nodeStatus(other.adminUrl).error?.includes('another database') === true, {})
  equal(operator.status().ready, false)
  deepEqual(await other.weights(service), {})
  await one.kill()
  await waitFor(() => !operator.status().kong.connected)
  deepEqual(await other.weights(service), {})
})
