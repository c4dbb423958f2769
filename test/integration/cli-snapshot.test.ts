// What a Kong held before kongsul wrote to it is saved by itself, and can be given back.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type NodesStack, startNodesStack, type TestNode, whenReady } from '../support/kong-nodes-stack.ts'
import { runKongsul } from '../support/kongsul-process.ts'
import { makeCertificate } from '../support/make-certificate.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: NodesStack
const folder = mkdtempSync(join(tmpdir(), 'kongsul-snapshot-'))
before(async () => {
  stack = await startNodesStack()
  await stack.consul.register({ Name: 'web', ID: 'web-1', Address: '10.0.0.1', Port: 9001 })
})
after(async () => {
  await stack?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const run = (node: TestNode, args: readonly string[]) =>
  runKongsul(['snapshot', ...args], { CONSUL_HTTP_ADDR: stack.consul.url, KONG_ADMIN_URL: node.adminUrl })

const KINDS = ['services', 'routes', 'upstreams', 'plugins', 'consumers', 'jwts', 'certificates', 'snis']
/** All rows, without what every write sets anew. */
async function heldBy(node: TestNode): Promise<Record<string, unknown[]>> {
  const upstreams = (await node.admin('GET', '/upstreams')).body.data as { id: string }[]
  const paths = [...KINDS, ...upstreams.map(({ id }) => `upstreams/${id}/targets`)]
  const lists = await Promise.all(paths.map((path) => node.admin('GET', `/${path}`)))
  const plain = ({ created_at, updated_at, ...row }: Record<string, unknown>) => row
  return Object.fromEntries(
    paths.map((path, at) => [path, lists[at]!.body.data.map(plain).sort(byId)] as const),
  )
}
const byId = (left: { id: string }, right: { id: string }) => (left.id < right.id ? -1 : 1)

test('with a database: saved before the first write, and given back after all sorts of changes', async () => {
  const node = await stack.addNode()
  await node.admin('POST', '/services', { name: 'by-hand', url: 'http://10.1.1.1:80', tags: ['mine'] })
  await node.admin('POST', '/services/by-hand/routes', { name: 'in', paths: ['/by-hand'] })
  await node.admin('POST', '/services/by-hand/plugins', { name: 'jwt' })
  await node.admin('POST', '/consumers', { username: 'somebody' })
  await node.admin('POST', '/consumers/somebody/jwt', { key: 'k', secret: 's' })
  await node.admin('POST', '/upstreams', { name: 'pool' })
  await node.admin('POST', '/upstreams/pool/targets', { target: '10.1.1.2:80', weight: 7 })
  const { cert, key } = makeCertificate(['mine.test'])
  await node.admin('POST', '/certificates', { cert, key, snis: ['mine.test'] })
  const before = await heldBy(node)

  const config = { ...stack.kongOf([node]), snapshotDir: join(folder, 'by-itself') }
  await whenReady(await stack.startOperator([node], { kong: config }))
  await waitFor(async () => Object.keys(await node.weights('web')).length === 1, { what: 'web in Kong' })
  const [name, ...others] = readdirSync(config.snapshotDir)
  deepEqual(others, [])
  const file = join(config.snapshotDir, name!)
  equal(statSync(file).mode & 0o777, 0o600)
  const refused = await run(node, ['restore', file, '--yes'])
  equal(refused.code, 1)
  match(refused.stderr, /stop every operator/)
  await stack.stopOperator()

  await node.admin('PATCH', '/services/by-hand', { read_timeout: 1234 })
  await node.admin('DELETE', '/routes/in')
  await node.admin('PATCH', '/upstreams/pool/targets/10.1.1.2:80', { weight: 0 })
  await node.admin('DELETE', '/consumers/somebody')
  await node.admin('POST', '/services', { name: 'later', url: 'http://10.1.1.3:80' })
  await node.admin('DELETE', '/snis/mine.test')
  const shown = await run(node, ['restore', file])
  equal(shown.code, 2)
  match(shown.stdout, /^- services later$/m)
  match(shown.stdout, /^\+ routes in$/m)
  match(shown.stdout, /Nothing was changed/)
  ok(!shown.stdout.includes('PRIVATE KEY'))

  const restored = await run(node, ['restore', file, '--yes'])
  equal(restored.code, 0, restored.stderr)
  deepEqual(await heldBy(node), before)
  match((await run(node, ['restore', file])).stdout, /holds all of it and nothing else/)
  const again = await run(node, ['save', file])
  equal(again.code, 1)
  match(again.stderr, /give another file/)
})

test('an operator that finds its own entities saves nothing, and neither does one of an empty Kong', async () => {
  const node = await stack.addNode()
  const config = { ...stack.kongOf([node]), snapshotDir: join(folder, 'empty') }
  for (let start = 0; start < 2; start++) {
    await whenReady(await stack.startOperator([node], { kong: config }))
    await waitFor(async () => Object.keys(await node.weights('web')).length === 1, { what: 'web in Kong' })
    await stack.stopOperator()
  }
  equal(statSync(config.snapshotDir, { throwIfNoEntry: false }), undefined)
})

test('without a database: the configuration as it was', async () => {
  const node = await stack.addNode('--dbless')
  const services = [{ name: 'by-hand', host: '10.1.1.1' }]
  await node.admin('POST', '/config', { config: JSON.stringify({ _format_version: '3.0', services }) })
  const before = await heldBy(node)
  const file = join(folder, 'dbless.json')
  equal((await run(node, ['save', file])).code, 0)
  await whenReady(await stack.startOperator([node]))
  await waitFor(async () => Object.keys(await node.weights('web')).length === 1, { what: 'web in Kong' })
  await stack.stopOperator()
  equal((await run(node, ['restore', file])).code, 2)
  const restored = await run(node, ['restore', file, '--yes'])
  equal(restored.code, 0, restored.stderr)
  deepEqual(await heldBy(node), before)

  const other = await stack.addNode()
  const refused = await run(other, ['restore', file])
  equal(refused.code, 1)
  match(refused.stderr, /it runs with a database, and the file is of one without/)
})
