// Tokens and passwords in files: the next request has what the file holds now.
import { equal, match, ok } from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createConsulReader } from '../../operator/consul/consul-reader.ts'
import { createEntryWriter } from '../../operator/consul/entry-writer.ts'
import { createKvWriter } from '../../operator/consul/kv-writer.ts'
import { KongAdmin } from '../../operator/kong/kong-admin.ts'
import { RedisConnection } from '../../operator/legacy/redis-connection.ts'
import { FileSecret } from '../../operator/secrets/file-secret.ts'
import { HeaderFile } from '../../operator/secrets/header-file.ts'
import { AlertSender } from '../../operator/sync/alert-sender.ts'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import { createMetrics } from '../../operator/telemetry/metrics.ts'
import { createHandOn } from '../../operator/traces/hand-on.ts'
import { headersFor } from '../../plugins/agent/agent-config.ts'
import { OperatorCalls } from '../../plugins/agent/operator-calls.ts'
import { OperatorLink } from '../../plugins/export/operator-link.ts'
import { OtlpExporter } from '../../plugins/export/otlp-exporter.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { startRedis } from '../support/redis.ts'
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts'
import { waitFor } from '../support/wait-for.ts'

const folder = mkdtempSync(join(tmpdir(), 'kongsul-renewed-'))
after(() => rmSync(folder, { recursive: true }))
const fileOf = (name: string, text: string) => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const watching = { tell: () => {} }
const secretOf = (path: string) => new FileSecret({ setting: 'a.tokenFile', path }, watching)

interface Asking {
  ask(): unknown
  close(): unknown
}
interface Case {
  readonly what: string
  readonly header: string
  /** What is before the secret. */
  readonly scheme?: string
  readonly open: (url: string, secret: FileSecret) => Asking
}
const metrics = createMetrics('test')
const log = silentLogger

const CASES: readonly Case[] = [
  {
    what: 'reads of Consul',
    header: 'x-consul-token',
    open: (url, token) => {
      const reader = createConsulReader({ url, token }, metrics)
      return { ask: () => reader.nodes({}), close: () => reader.close() }
    },
  },
  {
    what: 'writes to Consul’s KV',
    header: 'x-consul-token',
    open: (url, token) => {
      const writer = createKvWriter({ url, token }, metrics)
      return { ask: () => writer.force('a', 'b'), close: () => writer.close() }
    },
  },
  {
    what: 'writes of Consul’s entries',
    header: 'x-consul-token',
    open: (url, token) => {
      const writer = createEntryWriter({ url, token }, metrics)
      return { ask: () => writer.write({ Kind: 'a', Name: 'b' }, 0), close: () => writer.close() }
    },
  },
  {
    what: "Kong's Admin API",
    header: 'x-ours',
    open: (adminUrl, token) => {
      const admin = new KongAdmin(
        { adminUrl, timeoutMs: 5_000, parallel: 1, token, tokenHeader: 'X-Ours' },
        metrics,
      )
      return { ask: () => admin.call('GET', ['status']), close: () => admin.close() }
    },
  },
  {
    what: 'Alertmanager',
    header: 'authorization',
    scheme: 'Bearer ',
    open: (url, token) => {
      const about = { mesh: 'm', apiUrl: () => '', isActive: () => true, metrics, log }
      const sender = new AlertSender({ urls: [url], token, ...about })
      let asked = 0
      const alert = { name: 'MeshHeld', severity: 'warning', service: 'web', message: '' } as const
      const times = { sinceMs: 1, firedMs: 1, resolvedMs: null, state: 'firing' } as const
      return {
        ask: () =>
          sender.update([{ ...alert, ...times, id: `A/${asked++}`, value: 1, threshold: 0 }], [], Date.now()),
        close: () => sender.stop(),
      }
    },
  },
  {
    what: 'a collector that the operator hands spans on to',
    header: 'authorization',
    open: (url, authorization) => {
      const handOn = createHandOn({ url, authorization, log })
      return {
        ask: () => handOn.add([{ encoding: 'json', bytes: Buffer.from('{}'), spans: 1 }]),
        close: () => handOn.stop(0),
      }
    },
  },
  {
    what: 'a collector of the plugin process, by the token of the feed',
    header: 'authorization',
    scheme: 'Bearer ',
    open: (url, token) => {
      const exporter = new OtlpExporter<string>({
        ...{ name: 'c', url, log, delayMs: 1, headers: () => headersFor({ headers: {}, token }) },
        encode: ([body = '']) => [{ body, contentType: 'application/json', spans: 1 }],
      })
      return { ask: () => exporter.add(['{}']), close: () => exporter.stop(0) }
    },
  },
  {
    what: 'outcomes to an operator',
    header: 'authorization',
    scheme: 'Bearer ',
    open: (operator, token) => {
      const link = new OperatorLink({ operator, token, log })
      return { ask: () => link.add('{}'), close: () => link.stop(0) }
    },
  },
  {
    what: 'questions to an operator',
    header: 'authorization',
    scheme: 'Bearer ',
    open: (url, token) => {
      const calls = new OperatorCalls(url, token, '1')
      return { ask: () => calls.call('GET', '/internal/mesh'), close: () => calls.close() }
    },
  },
]

describe('the token is that of the file now', () => {
  let server: ScriptedServer
  before(async () => {
    server = await startScriptedServer()
    const consuls = { 'x-consul-index': '1', 'x-consul-knownleader': 'true' }
    server.script({
      status: 200,
      headers: { 'content-type': 'application/json', ...consuls },
      body: '[]',
    })
  })
  after(() => server.close())

  for (const [index, { what, header, scheme = '', open }] of CASES.entries()) {
    test(what, async () => {
      const path = fileOf(`token-${index}`, 'first\n')
      const asked = open(server.url, secretOf(path))
      const shows = (token: string) =>
        waitFor(
          async () => {
            const before = server.seen.length
            await asked.ask()
            await waitFor(() => server.seen.length > before, { what: 'the request' })
            return server.seen.at(-1)!.headers[header] === `${scheme}${token}`
          },
          { what: `${token} being shown`, pollMs: 50 },
        )
      try {
        await shows('first')
        writeFileSync(path, 'second\n')
        await shows('second')
      } finally {
        await asked.close()
      }
    })
  }

  test('headers of a collector', async () => {
    const path = fileOf('headers', 'X-Scope-OrgID: first')
    const headerFile = new HeaderFile({ setting: 'otlp.headersFile', path }, watching)
    const exporter = new OtlpExporter<string>({
      ...{
        name: 'c',
        url: server.url,
        log,
        delayMs: 1,
        headers: () => headersFor({ headers: {}, headerFile }),
      },
      encode: ([body = '']) => [{ body, contentType: 'application/json', spans: 1 }],
    })
    const shows = (value: string) =>
      waitFor(() => {
        exporter.add(['{}'])
        return server.seen.at(-1)!.headers['x-scope-orgid'] === value
      })
    try {
      await shows('first')
      writeFileSync(path, 'X-Scope-OrgID: second')
      await shows('second')
    } finally {
      await exporter.stop(0)
    }
  })
})

test('the password of Redis is that of the file now; commands under way come to their end', async () => {
  const redis = await startRedis({ password: 'first' })
  const path = fileOf('password', 'first\n')
  const connection = new RedisConnection({
    redis: { url: redis.url.replace('first', 'of-the-address'), password: secretOf(path) },
    log,
  })
  try {
    equal(await connection.run('PING'), 'PONG')
    await redis.command('CONFIG', 'SET', 'requirepass', 'second')
    writeFileSync(path, 'second\n')
    // Who is in stays in: it is the new one who shows the new password.
    const clients = async () =>
      String(await redis.command('CLIENT', 'LIST'))
        .trim()
        .split('\n').length
    const before = await clients()
    const waiting = connection.run('BLPOP', 'nothing', '1')
    const ids = async () => String(await connection.run('CLIENT', 'ID'))
    const first = await ids()
    await waitFor(async () => (await ids()) !== first, { what: 'a new connection', pollMs: 50 })
    equal(await waiting, null)
    await waitFor(async () => (await clients()) === before, { what: 'the one before being closed' })
  } finally {
    connection.stop()
    await redis.stop()
  }
})

describe('an operator', () => {
  let stack: Stack
  const consulToken = join(folder, 'consul')
  const makeToken = async () => {
    const body = { Policies: [{ Name: 'operator' }] }
    return (await stack.consul.request('PUT', '/acl/token', body)) as {
      SecretID: string
      AccessorID: string
    }
  }
  before(async () => {
    stack = await startStack({ acl: true })
    const Rules = readFileSync(new URL('../../operator/consul/policy.hcl', import.meta.url), 'utf8')
    await stack.consul.request('PUT', '/acl/policy', { Name: 'operator', Rules })
  })
  after(() => stack.stop())
  const register = (at: number) =>
    stack.consul.register({ Name: 'web', ID: `web-${at}`, Address: '127.0.0.1', Port: 9700 + at })
  const targetsBecome = (count: number) =>
    waitFor(async () => Object.keys(await stack.weights('web')).length === count, {
      what: `${count} targets`,
    })

  test('goes on with the token of Consul that the file has now, when the one before is deleted', async () => {
    const first = await makeToken()
    writeFileSync(consulToken, first.SecretID)
    const feed = fileOf('feed', 'first')
    await stack.startOperator({
      consul: { url: stack.consul.url, token: secretOf(consulToken) },
      feedToken: secretOf(feed),
    })
    await register(1)
    await targetsBecome(1)
    const next = await makeToken()
    writeFileSync(consulToken, next.SecretID)
    await stack.consul.request('DELETE', `/acl/token/${first.AccessorID}`)
    await register(2)
    await targetsBecome(2)
    await waitFor(() => stack.operator().status().leading, { what: 'leading with the new token' })
  })

  test('lets plugin processes in by the token of the feed that the file has now', async () => {
    const ask = async (token: string) =>
      (
        await fetch(`${stack.operator().url}/internal/mesh?index=0&wait=0`, {
          headers: { authorization: `Bearer ${token}` },
        })
      ).status
    equal(await ask('first'), 200)
    equal(await ask('second'), 401)
    fileOf('feed', 'second')
    await waitFor(async () => (await ask('second')) === 200, { what: 'the new token', pollMs: 50 })
    equal(await ask('first'), 401)
  })

  test('gives Kong the password of Redis that the file has now with the next resync', async () => {
    await stack.stopOperator()
    const password = fileOf('redis', 'first')
    await stack.consul.setKey(
      'mesh/services/web',
      JSON.stringify({ rateLimit: { minute: 100, policy: 'redis' } }),
    )
    await stack.startOperator({
      consul: { url: stack.consul.url, token: secretOf(consulToken) },
      redis: { url: 'redis://user@127.0.0.1:9', password: secretOf(password) },
    })
    const inKong = async () => {
      const { body } = await stack.admin('GET', '/services/mesh.web/plugins')
      return body.data?.find(({ name }: { name: string }) => name === 'rate-limiting')?.config.redis.password
    }
    await waitFor(async () => (await inKong()) === 'first', { what: 'the password in Kong' })
    fileOf('redis', 'second')
    await waitFor(
      async () => {
        await stack.operator().resync()
        return (await inKong()) === 'second'
      },
      { what: 'the new password in Kong', pollMs: 100 },
    )
    const told = JSON.stringify(stack.operator().status())
    ok(!told.includes('second'))
    match(told, /"web"/)
  })
})
