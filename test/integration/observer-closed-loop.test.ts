// From a request through the gateway to a verdict in Kong without its access log: mesh-observer alone; and with both.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, test } from 'node:test'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { type PluginMesh, startPluginMesh } from '../support/plugin-mesh.ts'
import { waitFor } from '../support/wait-for.ts'

const servers: EchoServer[] = []
const meshes: PluginMesh[] = []
after(async () => {
  await Promise.all(meshes.map((mesh) => mesh.stop()))
  await Promise.all(servers.map((server) => server.close()))
})

async function echo(): Promise<EchoServer> {
  const server = await startEchoServer()
  servers.push(server)
  return server
}

async function meshWith(outcomes: 'observer' | 'both'): Promise<PluginMesh> {
  const mesh = await startPluginMesh({}, outcomes)
  meshes.push(mesh)
  return mesh
}

/** The sum of a counter's series whose labels match. */
const sumOf = (text: string, name: string, labels = /./): number =>
  [...text.matchAll(new RegExp(`^${name}(\\{.*\\})? (\\d+)$`, 'gm'))]
    .filter(([line]) => labels.test(line))
    .reduce((sum, [, , count]) => sum + Number(count), 0)

const operatorMetrics = async (mesh: PluginMesh) =>
  await (await fetch(`${mesh.operator().url}/metrics`)).text()

test('with mesh-observer alone an instance that answers 500 is ejected and gets no more requests', async () => {
  const mesh = await meshWith('observer')
  const [bad, ...good] = [await echo(), await echo(), await echo()] as [EchoServer, ...EchoServer[]]
  const ports = [bad, ...good].map(({ port }) => port)
  await mesh.deploy('grey', ports, { circuitBreaker: { openSeconds: 120 } })
  const { body } = await mesh.admin('GET', '/services/mesh.grey/plugins')
  deepEqual(body.data.map(({ name }: { name: string }) => name).sort(), [
    'mesh-circuit-breaker',
    'mesh-observer',
    'mesh-tracing',
  ])
  bad.behave({ status: 500 })
  await waitFor(
    async () => {
      await mesh.get('grey')
      return (await mesh.healthOf('grey', bad.port)) === 'UNHEALTHY'
    },
    { what: 'the ejection' },
  )
  const asked = bad.seen.length
  ok(asked >= 5)
  for (let i = 0; i < 20; i++) equal((await mesh.get('grey')).status, 200)
  equal(bad.seen.length, asked)
  const told = async () => sumOf(await mesh.plugins.metrics(), 'mesh_observed_outcomes_total', /upstream/)
  await waitFor(async () => (await told()) >= asked + 20, { what: 'the requests in the log phase' })
  const metrics = await mesh.plugins.metrics()
  equal(sumOf(metrics, 'mesh_outcomes_total'), 0, 'no line of an access log came')
  equal(sumOf(metrics, 'mesh_outcomes_repeated_total'), 0)
  equal(sumOf(metrics, 'mesh_observer_records_dropped_total'), 0)
})

test('a request that both the access log and mesh-observer tell of counts once', async () => {
  const mesh = await meshWith('both')
  const only = await echo()
  await mesh.deploy('twice', [only.port])
  const counted = async () => sumOf(await operatorMetrics(mesh), 'mesh_requests_total', /service="twice"/)
  // Once counted twice, the operator would be at twice the number of requests when both ways have told of 30.
  await waitFor(
    async () => {
      equal((await mesh.get('twice')).status, 200)
      const repeated = sumOf(await mesh.plugins.metrics(), 'mesh_outcomes_repeated_total')
      return repeated >= 30 && (await counted()) >= 30
    },
    { deadlineMs: 60_000, what: 'requests told of twice' },
  )
  ok((await counted()) <= only.seen.length, `${await counted()} counted, ${only.seen.length} asked`)
})
