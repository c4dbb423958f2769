import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { type GatewayNode, startGatewayNode } from '../support/gateway-node.ts'
import { waitFor } from '../support/wait-for.ts'

let folder: string
let state: string
let echo: EchoServer
const nodes: GatewayNode[] = []

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-cluster-'))
  echo = await startEchoServer()
})
after(async () => {
  await echo.close()
  rmSync(folder, { recursive: true })
})
beforeEach(() => {
  state = join(mkdtempSync(join(folder, 'test-')), 'state.json')
})
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
})

async function start(...args: string[]): Promise<GatewayNode> {
  const node = await startGatewayNode(['--state', state, '--db-update-frequency', '0.1', ...args])
  nodes.push(node)
  return node
}

interface List {
  readonly data: readonly { readonly name: string }[]
}

const namesOf = async (node: GatewayNode, collection: string): Promise<string[]> =>
  ((await node.admin('GET', `/${collection}?size=1000`)).body as List).data.map(({ name }) => name)

/** Writes one after the other; every answer counts. */
async function writeServices(node: GatewayNode, prefix: string, count: number): Promise<number[]> {
  const statuses: number[] = []
  for (let n = 0; n < count; n++) {
    statuses.push((await node.admin('PUT', `/services/${prefix}${n}`, { host: 'h.test' })).status)
  }
  return statuses
}

async function routeTo(node: GatewayNode, name: string, upstream: object = {}): Promise<void> {
  await node.admin('PUT', `/upstreams/${name}`, upstream)
  await node.admin('POST', `/upstreams/${name}/targets`, { target: `127.0.0.1:${echo.port}` })
  await node.admin('PUT', `/services/${name}`, { host: name, retries: 0 })
  await node.admin('PUT', `/routes/${name}`, { headers: { 'x-host': [name] }, service: { name } })
}

interface About {
  readonly node_id: string
  readonly configuration: { readonly db_update_frequency: number }
}

test('what one node writes is read at once from every other, and followed by its proxy', async () => {
  const [one, two] = [await start(), await start()] as const
  await routeTo(one, 'web')
  deepEqual(await namesOf(two, 'routes'), ['web'])
  equal(await one.status('web'), 200)
  await waitFor(async () => (await two.status('web')) === 200, { what: 'the second node follows' })
  await one.admin('DELETE', '/routes/web')
  await waitFor(async () => (await two.status('web')) === 404, { what: 'the second node forgets' })
})

test('every node has an id of its own, and says how often it looks for changes', async () => {
  const [one, two] = [await start(), await start()] as const
  const abouts = await Promise.all(
    [one, two].map(async (node) => (await node.admin('GET', '/')).body as About),
  )
  equal(new Set(abouts.map(({ node_id: id }) => id)).size, 2)
  deepEqual(
    abouts.map(({ configuration }) => configuration.db_update_frequency),
    [0.1, 0.1],
  )
})

test('two nodes that write 500 entities each at the same time lose none', { timeout: 120_000 }, async () => {
  const [one, two] = [await start(), await start()] as const
  const statuses = await Promise.all([writeServices(one, 'one-', 500), writeServices(two, 'two-', 500)])
  deepEqual(new Set(statuses.flat()), new Set([200]))
  const wanted = ['one-', 'two-'].flatMap((prefix) => Array.from({ length: 500 }, (_, n) => `${prefix}${n}`))
  const sorted = wanted.sort()
  deepEqual((await namesOf(one, 'services')).sort(), sorted)
  deepEqual((await namesOf(two, 'services')).sort(), sorted)
  const three = await start()
  deepEqual((await namesOf(three, 'services')).sort(), sorted)
})

test('of two nodes that create the same name at once one is refused', async () => {
  const [one, two] = [await start(), await start()] as const
  for (let n = 0; n < 20; n++) {
    const body = { name: `same-${n}`, host: 'h.test' }
    const answers = await Promise.all([one, two].map((node) => node.admin('POST', '/services', body)))
    deepEqual(answers.map(({ status }) => status).sort(), [201, 409])
    const refused = answers.find(({ status }) => status === 409)?.body as { name: string }
    equal(refused.name, 'unique constraint violation')
  }
})

test('a node that is killed while it writes leaves everything that was answered', {
  timeout: 120_000,
}, async () => {
  const [one, two] = [await start(), await start()] as const
  for (let round = 0; round < 3; round++) {
    const victim = round === 0 ? one : await start()
    const answered: string[] = []
    const writing = Promise.all(
      [0, 1, 2, 3].map(async (lane) => {
        for (let n = 0; ; n++) {
          const name = `r${round}-${lane}-${n}`
          const { status } = await victim.admin('PUT', `/services/${name}`, { host: 'h.test' })
          if (status === 200) answered.push(name)
        }
      }),
    ).catch(() => {}) // its connections break: it is killed
    await waitFor(() => answered.length > 40, { what: 'some writes' })
    await victim.kill()
    await writing
    const names = new Set(await namesOf(two, 'services'))
    deepEqual(
      answered.filter((name) => !names.has(name)),
      [],
    )
    equal((await two.admin('PUT', `/services/after-${round}`, { host: 'h.test' })).status, 200)
  }
  const names = await namesOf(await start(), 'services')
  deepEqual(names.filter((name) => name.startsWith('after-')).sort(), ['after-0', 'after-1', 'after-2'])
})

const PASSIVE = { healthchecks: { passive: { unhealthy: { http_failures: 2 } } } }

test('a mark set at one node reaches the others', async () => {
  const [one, two] = [await start(), await start()] as const
  await routeTo(one, 'web', PASSIVE)
  const target = `/upstreams/web/targets/127.0.0.1:${echo.port}`
  for (const node of [one, two]) await waitFor(async () => (await node.status('web')) === 200)
  equal((await one.admin('PUT', `${target}/unhealthy`)).status, 204)
  equal(await one.status('web'), 503)
  await waitFor(async () => (await two.status('web')) === 503, { what: 'the mark at the second node' })
  equal((await two.admin('PUT', `${target}/healthy`)).status, 204)
  equal(await two.status('web'), 200)
  await waitFor(async () => (await one.status('web')) === 200, { what: 'the mark at the first node' })
})

test('a target that failed too often at one node is still used by the others', async () => {
  const [one, two] = [await start(), await start()] as const
  await routeTo(one, 'web', PASSIVE)
  for (const node of [one, two]) await waitFor(async () => (await node.status('web')) === 200)
  echo.behave({ status: 500 })
  try {
    await waitFor(async () => (await one.status('web')) === 503, { what: 'the first node gives up' })
    await routeTo(one, 'later')
    await waitFor(async () => (await two.status('later')) === 500, { what: 'the second node looks' })
    equal(await two.status('web'), 500)
  } finally {
    echo.behave({})
  }
})

test('the last good configuration of a node without database comes back when it starts again', async () => {
  const one = await start('--dbless')
  const good = { _format_version: '3.0', services: [{ name: 'good', host: 'good.test' }] }
  equal((await one.admin('POST', '/config', good)).status, 201)
  equal((await one.admin('POST', '/config', { _format_version: '3.0', services: [{}] })).status, 400)
  const hashOf = async (node: GatewayNode) =>
    ((await node.admin('GET', '/status')).body as { configuration_hash: string }).configuration_hash
  const hash = await hashOf(one)
  ok(!/^0+$/.test(hash))
  await one.kill()
  const again = await start('--dbless')
  deepEqual(await namesOf(again, 'services'), ['good'])
  equal(await hashOf(again), hash)
  equal((await again.admin('POST', '/services', { host: 'h.test' })).status, 405)
})
