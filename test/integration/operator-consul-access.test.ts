// Consul with ACLs and Consul behind TLS.
import { equal, match } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createConsulReader } from '../../operator/consul/consul-reader.ts'
import { createMetrics } from '../../operator/telemetry/metrics.ts'
import { Secret } from '../../operator/telemetry/secret.ts'
import { startEchoServer } from '../support/echo-server.ts'
import { freePorts } from '../support/free-port.ts'
import { runKongsul } from '../support/kongsul-process.ts'
import { type KongRow, type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

const register = (stack: Stack, name: string, at: number) =>
  stack.consul.register({ Name: name, ID: `${name}-${at}`, Address: '127.0.0.1', Port: 9700 + at })
const targetsBecome = (stack: Stack, service: string, expected: number) =>
  waitFor(async () => Object.keys(await stack.weights(service)).length === expected, {
    what: `${expected} targets of ${service}`,
  })

describe('with access control and the policy deny', () => {
  const TOKEN = {
    SecretID: '5b9e3f0e-9b4c-4a49-9d0e-3f2b8a1c7d10',
    AccessorID: '0d5b8f5c-2f3e-4f57-8a6b-6e1c9d2f4a11',
  }
  // The one that is shipped.
  const RULES = readFileSync(new URL('../../operator/consul/policy.hcl', import.meta.url), 'utf8')
  let stack: Stack
  before(async () => {
    stack = await startStack({ acl: true })
    await stack.consul.request('PUT', '/acl/policy', { Name: 'operator', Rules: RULES })
    await grant()
    for (const at of [1, 2]) await register(stack, 'web', at)
    await stack.startOperator({ consul: { url: stack.consul.url, token: new Secret(TOKEN.SecretID) } })
    await targetsBecome(stack, 'web', 2)
  })
  after(() => stack.stop())
  const grant = () =>
    stack.consul.request('PUT', '/acl/token', { ...TOKEN, Policies: [{ Name: 'operator' }] })
  const revoke = () => stack.consul.request('DELETE', `/acl/token/${TOKEN.AccessorID}`)
  const status = () => stack.operator().status()

  test('with a token that may not read the agent its default for intentions is taken as not set', async () => {
    await stack.consul.request('PUT', '/acl/policy', {
      Name: 'services',
      Rules: 'service_prefix "" { policy = "read" }',
    })
    const body = { Policies: [{ Name: 'services' }] }
    const { SecretID } = (await stack.consul.request('PUT', '/acl/token', body)) as { SecretID: string }
    const config = { url: stack.consul.url, token: new Secret(SecretID) }
    const reader = createConsulReader(config, createMetrics('test'))
    equal(await reader.intentionDefault(), null)
    reader.close()
  })

  test('a token that is revoked changes nothing, the status says so, and one that is back is used', async () => {
    await stack.settled()
    await revoke()
    await register(stack, 'fresh', 3)
    const error = await waitFor(() => status().consul.error, { what: 'doubt' })
    match(error, /403.*Consul does not know the token: it has expired or was deleted/)
    await stack.consul.deregister('web-2')
    equal(Object.keys(await stack.weights('web')).length, 2)
    equal(Object.keys(await stack.weights('fresh')).length, 0)
    await grant()
    await targetsBecome(stack, 'fresh', 1)
    await targetsBecome(stack, 'web', 1)
    await waitFor(() => status().consul.connected)
  })

  test('a policy that is taken from the token empties nothing', async () => {
    await waitFor(() => status().leading, { what: 'leading again' })
    await stack.settled()
    await stack.consul.request('PUT', `/acl/token/${TOKEN.AccessorID}`, { ...TOKEN, Policies: [] })
    await register(stack, 'fresh', 4)
    await waitFor(() => status().consul.error, { what: 'doubt' })
    equal(Object.keys(await stack.weights('web')).length, 1)
    equal(Object.keys(await stack.weights('fresh')).length, 1)
    await stack.consul.request('PUT', `/acl/token/${TOKEN.AccessorID}`, {
      ...TOKEN,
      Policies: [{ Name: 'operator' }],
    })
    await targetsBecome(stack, 'fresh', 2)
    equal(Object.keys(await stack.weights('web')).length, 1)
  })

  test('entries and intentions that the token may no longer read stay in force, which is told', async () => {
    const [v1, v2] = await Promise.all([startEchoServer(), startEchoServer()])
    const entry = (body: object) => stack.consul.request('PUT', '/config', body)
    const policy = (Rules: string) =>
      stack.consul.request('PUT', '/acl/policy', { Name: 'operator', Rules }).catch(async () => {
        const rows = (await stack.consul.request('GET', '/acl/policies')) as { ID: string; Name: string }[]
        const { ID } = rows.find(({ Name }) => Name === 'operator')!
        return await stack.consul.request('PUT', `/acl/policy/${ID}`, { Name: 'operator', Rules })
      })
    const ask = async (service: string) => {
      const answer = await fetch(`${stack.proxyUrl}/${service}/`)
      const { port } = answer.ok ? ((await answer.json()) as { port: number }) : { port: 0 }
      return port === 0 ? String(answer.status) : port === v2.port ? 'v2' : 'v1'
    }
    const gate = async () => {
      const { body } = await stack.admin('GET', '/services/mesh.shop/plugins')
      return JSON.stringify(body.data.map(({ name, config }: KongRow) => [name, config]))
    }
    const told = () => status().problems.map(({ code }) => code)
    try {
      for (const [version, { port }] of Object.entries({ v1, v2 })) {
        const where = { Name: 'shop', ID: `shop-${version}`, Address: '127.0.0.1', Port: port }
        await stack.consul.register({ ...where, Meta: { version } })
      }
      await entry({ Kind: 'service-defaults', Name: 'shop', Protocol: 'http' })
      const Subsets = { v2: { Filter: 'Service.Meta.version == v2' } }
      await entry({ Kind: 'service-resolver', Name: 'shop', DefaultSubset: 'v2', Subsets })
      // Consul's own policy is deny: nobody may call whom no intention names.
      await waitFor(async () => (await ask('shop')) === '401', {
        what: 'the default of Consul being enforced',
      })
      const intention = { SourceName: '*', DestinationName: 'shop', SourceType: 'consul', Action: 'allow' }
      await stack.consul.request('POST', '/connect/intentions', intention)
      await waitFor(async () => (await ask('shop')) === 'v2', { what: 'the default subset being served' })
      // A list that is waited for is answered when something of it changes, the first time still with the old rights.
      let written = 0
      const wake = async () => {
        written += 1
        await entry({ Kind: 'service-resolver', Name: 'web', ConnectTimeout: `${written}s` })
        const other = { ...intention, DestinationName: `nobody-${written}` }
        await stack.consul.request('POST', '/connect/intentions', other)
      }
      const becomes = (what: string, isSo: () => boolean) =>
        waitFor(
          async () => {
            if (!isSo()) await wake()
            return isSo()
          },
          { what, pollMs: 200 },
        )
      const isTold = (code: string) => becomes(`${code} being told`, () => told().includes(code))
      const stays = async () => {
        for (let at = 0; at < 5; at++) equal(await ask('shop'), 'v2')
      }
      await policy(`${RULES}\nservice "shop" { policy = "deny" }`)
      await isTold('ENTRIES_UNREAD')
      await stays()
      await policy(RULES)
      // Of everybody is seen by whoever may read any: one of a caller by name is hidden.
      await stack.consul.request('POST', '/connect/intentions', {
        ...intention,
        SourceName: 'web',
        Action: 'deny',
      })
      await waitFor(async () => (await gate()).includes('mesh.web'), { what: 'the intention being enforced' })
      const enforced = await gate()
      await policy(
        RULES.replace(/^service_prefix .*$/m, 'service_prefix "" { policy = "read" intentions = "deny" }'),
      )
      await isTold('INTENTIONS_UNREAD')
      equal(await gate(), enforced)
      await policy(RULES)
      await becomes('all being read again', () => !told().some((code) => code.endsWith('_UNREAD')))
      equal(await gate(), enforced)
    } finally {
      await Promise.all([v1.close(), v2.close()])
    }
  })
})

describe('behind TLS with a CA of its own', () => {
  const file = (name: string) => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url))
  let stack: Stack
  let url: string
  before(async () => {
    const [https] = await freePorts(1)
    url = `https://127.0.0.1:${https}`
    stack = await startStack({
      config: {
        ports: { https },
        cert_file: file('inner.pem'),
        key_file: file('inner.key'),
        ca_file: file('ca.pem'),
      },
    })
    await register(stack, 'web', 1)
  })
  after(() => stack.stop())

  test('it is followed, and its certificate checked', async () => {
    const ca = readFileSync(file('ca.pem'), 'utf8')
    await stack.startOperator({ consul: { url, tls: { ca, rejectUnauthorized: true } } })
    await targetsBecome(stack, 'web', 1)
    await register(stack, 'web', 2)
    await targetsBecome(stack, 'web', 2)
  })

  test('CONSUL_HTTP_ADDR and CONSUL_CACERT are enough for the command line; without the CA it is refused', async () => {
    const env = { CONSUL_HTTP_ADDR: url, KONG_ADMIN_URL: stack.adminUrl, KONGSUL_ADDR: 'http://127.0.0.1:9' }
    const known = await runKongsul(['plan', '--expose-default', 'all'], {
      ...env,
      CONSUL_CACERT: file('ca.pem'),
    })
    equal(known.code, 0, known.stderr)
    const unknown = await runKongsul(['plan'], env)
    equal(unknown.code, 1)
    match(unknown.stderr, /certificate/)
  })
})
