// `consul snapshot restore`: Consul goes back to what it was, with lower indexes, and no connection breaks.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type KongRow, type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
before(async () => {
  stack = await startStack({ keepData: true })
})
after(() => stack.stop())

const snapshotUrl = () => `${stack.consul.url}/v1/snapshot`
const register = (name: string, port: number) =>
  stack.consul.register({ Name: name, Address: '127.0.0.1', Port: port })
const connectTimeout = (value: string) =>
  stack.consul.request('PUT', '/config', { Kind: 'service-resolver', Name: 'web', ConnectTimeout: value })
const intend = (SourceName: string) =>
  stack.consul.request('POST', '/connect/intentions', { SourceName, DestinationName: 'web', Action: 'deny' })

/** What Kong has of all that Consul says: services, a setting, an entry and an intention. */
async function inKong(): Promise<object> {
  const { body: web } = await stack.admin('GET', '/services/mesh.web')
  const { body: upstreams } = await stack.admin('GET', '/upstreams')
  const { body: plugins } = await stack.admin('GET', '/plugins?size=1000')
  const acl = plugins.data.find(({ name }: KongRow) => name === 'acl')
  const names = upstreams.data.map(({ name }: KongRow) => name)
  return {
    services: names.filter((name: string) => !name.startsWith('kongsul')).sort(),
    retries: web.retries,
    connectMs: web.connect_timeout,
    denied: acl?.config.deny.length ?? 0,
  }
}

const becomes = (expected: object) =>
  waitFor(async () => deepEqual(await inKong(), expected) ?? true, { what: JSON.stringify(expected) })

test('all of it is as it was within seconds, not when the next wait is over; what comes after is followed', async () => {
  await register('web', 9001)
  await register('old', 9002)
  await stack.consul.setKey('mesh/services/web', '{"retries": 5}')
  await connectTimeout('3s')
  await intend('shop')
  await stack.startOperator()
  const first = { services: ['old.mesh', 'web.mesh'], retries: 5, connectMs: 3000, denied: 1 }
  await becomes(first)
  const saved = await (await fetch(snapshotUrl())).arrayBuffer()

  await register('late', 9003)
  await stack.consul.deregister('old')
  await stack.consul.setKey('mesh/services/web', '{"retries": 9}')
  await connectTimeout('4s')
  await intend('batch')
  await becomes({ services: ['late.mesh', 'web.mesh'], retries: 9, connectMs: 4000, denied: 2 })

  // Else the agent would at once register anew what it still knows to have.
  await stack.consul.deregister('late')
  await becomes({ services: ['web.mesh'], retries: 9, connectMs: 4000, denied: 2 })
  equal((await fetch(snapshotUrl(), { method: 'PUT', body: saved })).status, 200)
  const restored = { retries: 5, connectMs: 3000, denied: 1 }
  await waitFor(
    async () => {
      const { services: _services, ...rest } = (await inKong()) as { services: unknown }
      deepEqual(rest, restored)
      return true
    },
    { what: 'what was restored', deadlineMs: 9000 },
  )

  await connectTimeout('7s')
  await stack.consul.setKey('mesh/services/web', '{"retries": 2}')
  await register('fresh', 9004)
  await waitFor(async () => {
    const { services, retries, connectMs } = (await inKong()) as Record<string, unknown>
    deepEqual([retries, connectMs], [2, 7000])
    ok((services as string[]).includes('fresh.mesh'))
    return true
  })
  equal(stack.operator().status().leading, true)
})
