// Everything an operator writes to Consul, with a token of the policy that is shipped: as it stands, and with what it says to
// take in for more.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { Secret } from '../../operator/telemetry/secret.ts'
import { type KongRow, type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

const POLICY = new URL('../../operator/consul/policy.hcl', import.meta.url)
const SHIPPED = readFileSync(POLICY, 'utf8')
/** Its optional rules are comments. */
const WHOLE = SHIPPED.replaceAll(/^# (?=\w+ "[^"]*" \{)/gm, '')
const TOKEN = {
  SecretID: '9d7a4a52-0c0e-4f3d-8f0b-6a9a4c1e7b55',
  AccessorID: '4f1f2d34-7c56-4b7e-9c86-0f6b3f2f9a77',
}

let stack: Stack
before(async () => {
  stack = await startStack({ acl: true })
  await stack.consul.request('PUT', '/acl/policy', { Name: 'operator', Rules: SHIPPED })
  await stack.consul.request('PUT', '/acl/token', { ...TOKEN, Policies: [{ Name: 'operator' }] })
  for (const version of ['v1', 'v2']) {
    const where = { Name: 'web', ID: `web-${version}`, Address: '127.0.0.1', Port: 9_000 }
    await stack.consul.register({ ...where, Meta: { version } })
  }
  await stack.consul.request('PUT', '/config', {
    ...{ Kind: 'service-defaults', Name: 'web', Protocol: 'http' },
  })
  await stack.consul.request('PUT', '/config', {
    ...{ Kind: 'service-resolver', Name: 'web', DefaultSubset: 'v1' },
    Subsets: {
      v1: { Filter: 'Service.Meta.version == v1' },
      v2: { Filter: 'Service.Meta.version == v2' },
    },
  })
  await stack.startOperator({
    consul: { url: stack.consul.url, token: new Secret(TOKEN.SecretID) },
    sealKey: randomBytes(32).toString('base64'),
  })
  await stack.settled()
})
after(() => stack.stop())

const call: Stack['api'] = (method, path, body) => stack.api(method, path, body)
const kv = async (prefix: string): Promise<string[]> =>
  ((await stack.consul.request('GET', `/kv/${prefix}?keys`)) as string[] | null) ?? []
const upstreams = async (): Promise<string[]> =>
  (await stack.admin('GET', '/upstreams')).body.data.map(({ name }: KongRow) => name)

const REGISTRATION = {
  ...{ service_name: 'fresh', address: '127.0.0.1', port: 9_100 },
  health_check: { ttl: '60s' },
}
const CANARY = { service: 'web', to: 'v2', steps: [25], every: '1h' }
const API_KEY = { service: 'batch', method: 'key-auth' }
/** What needs a rule that the policy has as a comment. */
const MORE = [
  {
    what: 'a registration',
    path: '/register',
    body: REGISTRATION,
    lacks: /the token needs service_prefix .{2,4} write/,
  },
  { what: 'a canary', path: '/canaries', body: CANARY, lacks: /the token needs service_prefix .{2,4} write/ },
  {
    what: 'a key of key-auth',
    path: '/identities',
    body: API_KEY,
    lacks: /the token needs key_prefix .{1,2}mesh-secrets\/identities\/.{1,2} write/,
  },
]

test('it leads, and follows services, settings, external services and intentions', async () => {
  ok(stack.operator().status().leading, 'it holds the lock')
  deepEqual((await kv('mesh/')).length > 0, true, 'it has written what it keeps')
  await stack.consul.setKey('mesh/services/web', '{"retries": 7}')
  const isApplied = async () => (await stack.admin('GET', '/services/mesh.web')).body.retries === 7
  await waitFor(isApplied, { what: 'a setting being applied' })
  await stack.consul.setKey('mesh/external/pay', '{"hostname": "192.0.2.7", "port": 443}')
  await waitFor(async () => (await upstreams()).some((name) => name.startsWith('pay')), {
    what: 'an external service',
  })
  const intention = { SourceName: 'shop', DestinationName: 'web', SourceType: 'consul', Action: 'allow' }
  await stack.consul.request('POST', '/connect/intentions', intention)
  const isKept = async () => JSON.stringify((await call('GET', '/intentions')).body).includes('shop')
  await waitFor(isKept, { what: 'an intention being enforced' })
  await stack.settled()
  deepEqual(stack.operator().status().failing, [])
  equal(stack.operator().status().consul.error, null)
})

test('it keeps identities, settings, pauses and refusals in KV', async () => {
  const issued = await call('POST', '/identities', { service: 'shop' })
  equal(issued.status < 300, true, JSON.stringify(issued.body))
  equal((await kv('mesh/identities/shop/')).length, 1)
  equal((await call('POST', '/identities/rotate', { service: 'shop' })).status < 300, true)
  equal((await call('DELETE', '/identities/shop')).status < 300, true)
  const check = { active: true, path: '/health', service: 'web' }
  const configured = await call('POST', '/configure/health-check', check)
  equal(configured.status < 300, true, JSON.stringify(configured.body))
  const paused = await call('PUT', '/services/web/pause', { for: '1h', reason: 'a try', by: 'ada' })
  equal(paused.status < 300, true, JSON.stringify(paused.body))
  equal((await call('PUT', '/services/web/resume')).status < 300, true)
  await stack.consul.setKey('mesh/services/web', '{"retires": 7}')
  const isRefused = async () => (await kv('mesh/status/')).some((key) => key.endsWith('web'))
  await waitFor(isRefused, { what: 'the reason in KV' })
  await stack.consul.deleteKey('mesh/services/web')
})

test('what the policy has as a comment is refused without it, and the rule is named', async () => {
  for (const { what, path, body, lacks } of MORE) {
    const { status, body: answer } = await call('POST', path, body)
    equal(status >= 400, true, `${what} answered ${status}`)
    match(JSON.stringify(answer), lacks, what)
  }
  equal(stack.operator().status().leading, true)
})

test('with it all of that works', async () => {
  const policies = (await stack.consul.request('GET', '/acl/policies')) as { ID: string; Name: string }[]
  const { ID } = policies.find(({ Name }) => Name === 'operator')!
  await stack.consul.request('PUT', `/acl/policy/${ID}`, { Name: 'operator', Rules: WHOLE })
  for (const { what, path, body } of MORE) {
    // What was refused a moment ago may be remembered for as long by Consul.
    const isDone = async () => {
      const { status, body: answer } = await call('POST', path, body)
      return status < 300 || Promise.reject(new Error(`${status} ${JSON.stringify(answer)}`))
    }
    await waitFor(isDone, { what, pollMs: 200 })
  }
  equal((await kv('mesh-secrets/identities/')).length, 1)
  const splitter = (await stack.consul.request('GET', '/config/service-splitter/web')) as KongRow
  equal(splitter.Splits.length, 2)
  const [row] = (await stack.consul.request('GET', '/catalog/service/fresh')) as KongRow[]
  const left = await call('DELETE', `/deregister/${row.ServiceID}`)
  equal(left.status, 200, JSON.stringify(left.body))
})
