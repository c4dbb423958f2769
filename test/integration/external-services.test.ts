// What runs outside the mesh: nodes as consul-esm keeps them in the catalog, and services of KV while nobody has probed them.
import { deepEqual, equal, ok } from 'node:assert/strict'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { deferred } from '../support/deferred.ts'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
const places: EchoServer[] = []
before(async () => {
  stack = await startStack()
  places.push(await startEchoServer(), await startEchoServer())
  await stack.startOperator()
})
after(async () => {
  await stack?.stop()
  await Promise.all(places.map((each) => each.close()))
})

const served = async (service: string): Promise<readonly [status: number, port: number]> => {
  const answer = await fetch(`${stack.proxyUrl}/${service}/`)
  return [answer.status, answer.ok ? ((await answer.json()) as { port: number }).port : 0]
}
const becomes = (service: string, weights: Record<string, number>) =>
  waitFor(async () => deepEqual(await stack.weights(service), weights) ?? true, {
    what: `${service} having ${JSON.stringify(weights)}`,
  })

test('external nodes of the catalog, without an agent, are served and leave by the checks that consul-esm writes', async () => {
  const names = places.map(({ port }) => `localhost:${port}`) as [string, string]
  const register = (at: number, status: string) =>
    stack.consul.request('PUT', '/catalog/register', {
      Node: `outside-${at}`,
      // As consul-esm documents it: no serfHealth, checks of the service on the node itself.
      Address: 'localhost',
      NodeMeta: { 'external-node': 'true', 'external-probe': 'true' },
      SkipNodeUpdate: false,
      Service: { ID: `ledger-${at}`, Service: 'ledger', Address: 'localhost', Port: places[at]!.port },
      Checks: [
        {
          Node: `outside-${at}`,
          CheckID: 'externalNodeHealth',
          Name: 'External Node Status',
          Status: 'passing',
        },
        {
          Node: `outside-${at}`,
          CheckID: `http-${at}`,
          Name: 'HTTP',
          Status: status,
          ServiceID: `ledger-${at}`,
        },
      ],
    })
  await register(0, 'passing')
  await register(1, 'passing')
  await becomes('ledger', { [names[0]]: 100, [names[1]]: 100 })
  await waitFor(async () => (await served('ledger'))[0] === 200, { what: 'the external node being served' })
  await register(0, 'critical')
  await becomes('ledger', { [names[0]]: 0, [names[1]]: 100 })
  deepEqual(await served('ledger'), [200, places[1]!.port])
  await register(0, 'passing')
  await becomes('ledger', { [names[0]]: 100, [names[1]]: 100 })
  // The node itself is away.
  await stack.consul.request('PUT', '/catalog/register', {
    Node: 'outside-1',
    Address: 'localhost',
    SkipNodeUpdate: true,
    Check: {
      Node: 'outside-1',
      CheckID: 'externalNodeHealth',
      Name: 'External Node Status',
      Status: 'critical',
    },
  })
  await becomes('ledger', { [names[0]]: 100, [names[1]]: 0 })
})

test('an operator that starts leaves an external service as it is in Kong until its first probe is over', async (t) => {
  const sick = new Set<number>()
  let answering: Promise<void> = Promise.resolve()
  const probed: number[] = []
  const ports: number[] = []
  for (const at of [0, 1]) {
    const server = http.createServer(async (_request, response) => {
      probed.push(at)
      await answering
      response.writeHead(sick.has(at) ? 500 : 204).end()
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    ports.push((server.address() as AddressInfo).port)
  }
  const [one, two] = ports.map((port) => `127.0.0.1:${port}`) as [string, string]
  const instances = ports.map((port) => ({ hostname: '127.0.0.1', port }))
  const healthCheck = { http: '/health', intervalSeconds: 1, timeoutMs: 60_000 }
  sick.add(0)
  await stack.consul.setKey('mesh/external/partner', JSON.stringify({ instances, healthCheck }))
  await becomes('partner', { [one]: 0, [two]: 100 })
  await stack.stopOperator()
  const hung = deferred<void>()
  answering = hung.promise
  sick.clear()
  sick.add(1)
  probed.length = 0
  const operator = await stack.startOperator()
  await waitFor(() => probed.length === 2, { what: 'both places being asked' })
  await stack.consul.setKey('mesh/services/ledger', '{"retries": 4}')
  await waitFor(async () => (await stack.admin('GET', '/services/mesh.ledger')).body.retries === 4, {
    what: 'another service being written meanwhile',
  })
  deepEqual(await stack.weights('partner'), { [one]: 0, [two]: 100 })
  ok(!operator.changes({ limit: 100 }).some(({ service }) => service === 'partner'))
  hung.resolve()
  await becomes('partner', { [one]: 100, [two]: 0 })
  equal(operator.status().ready, true)
})
