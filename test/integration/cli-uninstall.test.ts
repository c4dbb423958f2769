// Leaving: what kongsul wrote goes, what others wrote stays, and nothing happens unasked.
import { deepEqual, equal, match } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type NodesStack, startNodesStack, type TestNode, whenReady } from '../support/kong-nodes-stack.ts'
import { runKongsul } from '../support/kongsul-process.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: NodesStack
before(async () => {
  stack = await startNodesStack()
  await stack.consul.register({ Name: 'web', ID: 'web-1', Address: '10.0.0.1', Port: 9001 })
})
after(() => stack.stop())

const run = (node: TestNode, args: readonly string[]) =>
  runKongsul(['uninstall', ...args], {
    CONSUL_HTTP_ADDR: stack.consul.url,
    KONG_ADMIN_URL: node.adminUrl,
  })

const namesIn = async (node: TestNode, kind: string): Promise<readonly string[]> => {
  const { body } = await node.admin('GET', `/${kind}`)
  return body.data.map(({ name }: { name: string }) => name)
}

const filled = (node: TestNode) =>
  waitFor(async () => Object.keys(await node.weights('web')).length === 1, { what: 'web in Kong' })

test('with a database: shown first, refused while an operator leads, then everything of ours and nothing else', async () => {
  const node = await stack.addNode()
  await node.admin('POST', '/services', { name: 'by-hand', url: 'http://10.1.1.1:80' })
  const operator = await stack.startOperator([node])
  await whenReady(operator)
  await filled(node)
  await node.admin('POST', '/services/mesh.web/plugins', { name: 'key-auth' })

  const shown = await run(node, [])
  equal(shown.code, 2)
  match(shown.stdout, /- target 10\.0\.0\.1:9001 \(web\)/)
  match(shown.stdout, /Nothing was changed/)
  const refused = await run(node, ['--yes'])
  equal(refused.code, 1)
  match(refused.stderr, /leads mesh default .*\n?.*stop every operator/s)
  deepEqual((await namesIn(node, 'services')).includes('mesh.web'), true)

  await stack.stopOperator()
  const kept = await run(node, ['--yes'])
  equal(kept.code, 0, kept.stderr)
  match(kept.stderr, /service mesh\.web is no longer wanted but stays, since plugin key-auth/)
  deepEqual((await namesIn(node, 'services')).toSorted(), ['by-hand', 'mesh.web'])
  deepEqual(await namesIn(node, 'routes'), [])

  const { body } = await node.admin('GET', '/services/mesh.web/plugins')
  const byHand = body.data.find(({ name }: { name: string }) => name === 'key-auth')
  await node.admin('DELETE', `/plugins/${byHand.id}`)
  const gone = await run(node, ['--yes', '-o', 'json'])
  equal(gone.code, 0, gone.stderr)
  equal(JSON.parse(gone.stdout).removed, true)
  for (const kind of ['routes', 'upstreams', 'plugins']) deepEqual(await namesIn(node, kind), [], kind)
  deepEqual(await namesIn(node, 'services'), ['by-hand'])
  match((await run(node, [])).stdout, /has nothing of mesh default/)
})

test('without a database: one configuration without what is ours', async () => {
  const node = await stack.addNode('--dbless')
  const services = [{ name: 'by-hand', host: '10.1.1.1' }]
  await node.admin('POST', '/config', { config: JSON.stringify({ _format_version: '3.0', services }) })
  const operator = await stack.startOperator([node])
  await whenReady(operator)
  await filled(node)
  await stack.stopOperator()
  equal((await run(node, ['--yes'])).code, 0)
  deepEqual(await namesIn(node, 'services'), ['by-hand'])
  deepEqual(await namesIn(node, 'upstreams'), [])
})
