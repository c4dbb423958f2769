// What the commands say of a Kong without database, and of several.
import { deepEqual, equal, match } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type NodesStack, startNodesStack, type TestNode, whenReady } from '../support/kong-nodes-stack.ts'
import { runKongsul } from '../support/kongsul-process.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: NodesStack
let one: TestNode
let two: TestNode
before(async () => {
  stack = await startNodesStack()
  one = await stack.addNode('--dbless')
  two = await stack.addNode('--dbless')
  await stack.consul.register({ Name: 'web', ID: 'web-1', Address: '10.0.0.1', Port: 9001 })
  await stack.consul.register({ Name: 'web', ID: 'web-2', Address: '10.0.0.2', Port: 9001 })
  await whenReady(await stack.startOperator([one, two]))
  for (const node of [one, two]) {
    await waitFor(async () => Object.keys(await node.weights('web')).length === 2)
  }
})
after(() => stack.stop())

const run = (args: readonly string[], nodes: readonly TestNode[] = [one, two]) =>
  runKongsul(args, {
    CONSUL_HTTP_ADDR: stack.consul.url,
    KONG_ADMIN_URL: nodes.map(({ adminUrl }) => adminUrl).join(','),
    KONG_PROXY_URL: one.proxyUrl,
    KONGSUL_ADDR: stack.operator().url,
    KONGSUL_EXPOSE_DEFAULT: 'all',
  })

test('doctor names every node and what it means to have no database', async () => {
  const { code, stdout } = await run(['doctor'])
  equal(code, 0, stdout)
  for (const node of [one, two]) match(stdout, new RegExp(`at ${node.adminUrl}`))
  match(stdout, /database off: .*override by KV/)
  match(stdout, /2 nodes without a database, each kept in step on its own/)
})

test('plan has nothing to do where every node has everything, and says what cannot be overridden', async () => {
  const { code, stdout } = await run(['plan', '--direct'])
  equal(code, 0, stdout)
  match(stdout, /without a database: .*only KV and the health of targets override/)
})

test('plan shows what any of the nodes lacks', async () => {
  const empty = await stack.addNode('--dbless')
  const { code, stdout } = await run(['plan', '--direct'], [one, empty])
  equal(code, 2)
  match(stdout, /create +upstream +web\.mesh/)
})

test('drain waits for every node', async () => {
  const { code, stdout } = await run(['drain', 'web-1'])
  equal(code, 0, stdout)
  for (const node of [one, two]) {
    deepEqual(await node.weights('web'), { '10.0.0.1:9001': 0, '10.0.0.2:9001': 100 })
  }
  equal((await run(['drain', 'web-1', '--undo'])).code, 0)
  for (const node of [one, two]) equal((await node.weights('web'))['10.0.0.1:9001'], 100)
})

test('status tells of a node that is away', async () => {
  await two.kill()
  await waitFor(() =>
    stack
      .operator()
      .status()
      .kong.nodes.some(({ connected }) => !connected),
  )
  const { code, stdout } = await run(['status'])
  equal(code, 0)
  match(stdout, new RegExp(`warning: Kong at ${two.adminUrl}.*KONG_NODE_AWAY`))
  await two.restart()
})
