// Two nodes of Kong without database, each with the mesh's plugins beside it and health marks of its own.
import { deepEqual, equal } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Gateway } from '../../kong/gateway/gateway.ts'
import { type Operator, startOperator } from '../../operator/sync/operator.ts'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import { Secret } from '../../operator/telemetry/secret.ts'
import { startConsul, type TestConsul } from '../support/consul.ts'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { freePorts } from '../support/free-port.ts'
import { whenReady } from '../support/kong-nodes-stack.ts'
import { operatorConfig } from '../support/operator-config.ts'
import { startTestGateway } from '../support/operator-stack.ts'
import { FEED_TOKEN, type PluginServer, pluginServer } from '../support/plugin-server.ts'
import { waitFor } from '../support/wait-for.ts'

interface Node {
  readonly gateway: Gateway
  readonly plugins: PluginServer
  readonly adminUrl: string
}

let consul: TestConsul
let operator: Operator
let bad: EchoServer
let good: EchoServer
let one: Node
let two: Node

before(async () => {
  const [api, firstAdmin, secondAdmin] = (await freePorts(3)) as [number, number, number]
  consul = await startConsul()
  ;[bad, good] = await Promise.all([startEchoServer(), startEchoServer()])
  one = await startNode(firstAdmin, api)
  two = await startNode(secondAdmin, api)
  const circuitBreaker = { openSeconds: 2, backoff: { jitter: 0 } }
  await consul.setKey('mesh/services/web', JSON.stringify({ circuitBreaker }))
  for (const { port } of [bad, good])
    await consul.register({ Name: 'web', ID: `web-${port}`, Address: '127.0.0.1', Port: port })
  operator = await startOperator(
    {
      ...operatorConfig({
        consulUrl: consul.url,
        adminUrl: `${one.adminUrl},${two.adminUrl}`,
        proxyUrl: `http://127.0.0.1:${one.gateway.proxyPort}`,
        apiPort: api,
      }),
      feedToken: new Secret(FEED_TOKEN),
      outcomes: 'access_log',
    },
    { log: silentLogger },
  )
  await whenReady(operator)
  for (const node of [one, two])
    await waitFor(async () => (await ask(node)) === 200, { what: `web at ${node.adminUrl}` })
})
after(async () => {
  await operator?.stop()
  await Promise.all([one, two].map((node) => node?.gateway.close()))
  await Promise.all([one, two].map((node) => node?.plugins.stop()))
  await Promise.all([bad?.close(), good?.close(), consul?.stop()])
})

async function startNode(adminPort: number, api: number): Promise<Node> {
  const adminUrl = `http://127.0.0.1:${adminPort}`
  const plugins = await pluginServer()
  // Both have the host name of this machine.
  const more = { KONGSUL_PLUGINS_NODE: `node-${adminPort}` }
  await plugins.start({ adminUrl, operators: `http://127.0.0.1:${api}`, more })
  const gateway = await startTestGateway({ ...plugins.kongEnv, KONG_DATABASE: 'off' }, adminPort)
  return { gateway, plugins, adminUrl }
}

async function ask({ gateway }: Node): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${gateway.proxyPort}/web/`)
  await answer.arrayBuffer()
  return answer.status
}

/** Of an instance, as this node has it. */
async function healthAt({ adminUrl }: Node, { port } = bad): Promise<string | undefined> {
  const { data } = (await (await fetch(`${adminUrl}/upstreams/web.mesh/health`)).json()) as {
    data: readonly { readonly target: string; readonly health?: string }[]
  }
  return data.find(({ target }) => target === `127.0.0.1:${port}`)?.health
}
const askUntil = (node: Node, health: string) =>
  waitFor(
    async () => {
      await ask(node)
      return (await healthAt(node)) === health
    },
    { what: `${health} at ${node.adminUrl}` },
  )

test('what one node takes out goes on at the other, until its own breaker takes it out there', async () => {
  bad.behave({ status: 500 })
  await askUntil(one, 'UNHEALTHY')
  equal(await healthAt(two), 'HEALTHY')
  // Fewer than its breaker needs: what the other node has seen is not counted here.
  const answers = [await ask(two), await ask(two), await ask(two), await ask(two)]
  deepEqual(answers.sort(), [200, 200, 500, 500])
  equal(await healthAt(two), 'HEALTHY')
  await askUntil(two, 'UNHEALTHY')
  bad.behave({})
  await askUntil(one, 'HEALTHY')
  await askUntil(two, 'HEALTHY')
})

test('the end of one node’s ejection puts nothing back at the other', async () => {
  const tell = async (method: string, owner: string, untilMs: number) => {
    const headers = { authorization: `Bearer ${FEED_TOKEN}`, 'content-type': 'application/json' }
    const ejection = { upstream: 'web.mesh', target: `127.0.0.1:${bad.port}`, owner, untilMs }
    const body = JSON.stringify(ejection)
    equal((await fetch(`${operator.url}/internal/ejections`, { method, headers, body })).status, 204)
  }
  const mark = async ({ adminUrl }: Node, { port }: EchoServer) => {
    const url = `${adminUrl}/upstreams/web.mesh/targets/127.0.0.1:${port}/unhealthy`
    equal((await fetch(url, { method: 'PUT' })).status, 204)
  }
  // Nobody's of these two, so that no process beside a node takes them over.
  await tell('POST', 'first', Date.now() + 600_000)
  await mark(one, bad)
  await tell('POST', 'second', Date.now() + 600_000)
  await tell('DELETE', 'second', 0)
  // What nobody claims is put back, and with it would have been what somebody does.
  await mark(one, good)
  await waitFor(async () => (await healthAt(one, good)) === 'HEALTHY', { what: 'the healer having looked' })
  equal(await healthAt(one), 'UNHEALTHY')
  await tell('DELETE', 'first', 0)
  await waitFor(async () => (await healthAt(one)) === 'HEALTHY', { what: 'the return' })
})
