// Who may call whom, from Consul's intentions to what the gateway answers, with real tokens.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { readConsulVersion } from '../../operator/cli/up/consul-version.ts'
import { Signer } from '../../operator/client/signer.ts'
import { credentialKey } from '../../operator/core/intentions/caller-entities.ts'
import { privateKeyText } from '../../operator/identity/private-key-file.ts'
import { findConsul } from '../../operator/setup/consul-binary.ts'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { startFaultyProxy } from '../support/faulty-proxy.ts'
import { runKongsul } from '../support/kongsul-process.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

/** What keys of key-auth are sealed with. */
const sealKey = randomBytes(32).toString('base64')

const SERVICES = ['web', 'api', 'db'] as const

describe('intentions of Consul at the gateway', () => {
  let stack: Stack
  const servers: EchoServer[] = []
  const signers = new Map<string, Signer>()

  const api = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${stack.operator().url}/api/v1/mesh/v2${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    // biome-ignore lint/suspicious/noExplicitAny: tests read any field of any answer
    const answer: any = await response.json()
    assert.ok(response.ok, `${method} ${path} answered ${response.status}: ${JSON.stringify(answer)}`)
    return answer
  }
  const signerOf = (issued: { service: string; kid: string; private_key: string }) =>
    new Signer({
      identity: { text: privateKeyText(credentialKey(issued.service, issued.kid), issued.private_key) },
      nowMs: Date.now,
      onFault: assert.fail,
    })
  const issue = async (service: string) => {
    const issued = await api('POST', '/identities', { service })
    signers.set(service, signerOf(issued))
    return issued
  }
  const intend = async (source: string, destination: string, action: 'allow' | 'deny') => {
    const body = { SourceName: source, DestinationName: destination, SourceType: 'consul', Action: action }
    const { ID } = (await stack.consul.request('POST', '/connect/intentions', body)) as { ID: string }
    return () => stack.consul.request('DELETE', `/connect/intentions/${ID}`)
  }
  const call = async (destination: string, authorization?: string): Promise<Response> =>
    await fetch(`${stack.proxyUrl}/${destination}/`, { headers: authorization ? { authorization } : {} })
  const status = async (destination: string, caller: string | null): Promise<number> =>
    (await call(destination, caller === null ? undefined : signers.get(caller)!.authorization())).status
  /** Statuses by destination, of calls by web, api, db and somebody without identity. */
  const matrix = async (): Promise<Record<string, number[]>> =>
    Object.fromEntries(
      await Promise.all(
        SERVICES.map(async (to) => [
          to,
          await Promise.all([...SERVICES, null].map((from) => status(to, from))),
        ]),
      ),
    )
  const becomes = (expected: Record<string, number[]>, what: string) =>
    waitFor(
      async () => {
        assert.deepEqual(await matrix(), expected)
        return true
      },
      { what },
    )
  const OPEN = [200, 200, 200, 200]

  before(async () => {
    stack = await startStack()
    for (const service of SERVICES) {
      const server = await startEchoServer()
      servers.push(server)
      await stack.consul.register({ Name: service, ID: service, Address: '127.0.0.1', Port: server.port })
    }
    await stack.startOperator({ sealKey })
    for (const service of SERVICES) await issue(service)
  })
  after(async () => {
    await stack?.stop()
    for (const server of servers) await server.close()
  })

  test('without intentions everybody may call everybody, and Kong has no plugin for it', async () => {
    await becomes({ web: OPEN, api: OPEN, db: OPEN }, 'everything being open')
    const { body } = await stack.admin('GET', '/plugins')
    assert.deepEqual(body.data, [])
  })

  test('allow and deny hold for callers by name and for all others, exact before wildcard, and end when they are deleted', async () => {
    const undo = [
      await intend('web', 'api', 'allow'),
      await intend('*', 'api', 'deny'),
      await intend('api', 'db', 'deny'),
      await intend('db', '*', 'deny'),
    ]
    await becomes(
      { web: [200, 200, 403, 401], api: [200, 403, 403, 401], db: [200, 403, 403, 401] },
      'the matrix',
    )
    const { intentions, enforced_at: where } = await api('GET', '/intentions')
    const row = intentions.find(({ service }: { service: string }) => service === 'api')
    assert.deepEqual([row.lets, row.callers, row.enforced], ['only', ['web'], true])
    assert.equal(where, 'gateway')
    for (const each of undo) await each()
    await becomes({ web: OPEN, api: OPEN, db: OPEN }, 'everything being open again')
  })

  test('an upstream is told who calls by Kong, and a key that was not issued is none', async () => {
    const undo = await intend('db', 'api', 'deny')
    await waitFor(async () => (await status('api', null)) === 401)
    const answer = await call('api', signers.get('web')!.authorization())
    const { headers } = (await answer.json()) as { headers: Record<string, string> }
    assert.deepEqual([headers['x-consumer-username'], headers['x-consumer-groups']], ['mesh.web', undefined])
    const [head, body] = signers.get('web')!.authorization().split('.')
    const [, , signature] = signers.get('db')!.authorization().split('.')
    assert.equal((await call('api', `${head}.${body}.${signature}`)).status, 401)
    await undo()
  })

  test('a default of deny keeps everybody out whom no intention lets in', async () => {
    await stack.consul.setKey('mesh/defaults', { intentions: { default: 'deny' } })
    const undo = await intend('web', 'api', 'allow')
    const nobody = [403, 403, 403, 401]
    await becomes({ web: nobody, api: [200, 403, 403, 401], db: nobody }, 'the default of deny')
    await stack.consul.deleteKey('mesh/defaults')
    await undo()
    await becomes({ web: OPEN, api: OPEN, db: OPEN }, 'everything being open again')
  })

  test('with anonymous callers allowed beside a deny by name, the one who is denied gets in by saying nothing, which is told', async () => {
    await stack.consul.setKey('mesh/services/api', { intentions: { anonymous: 'allow' } })
    const undo = await intend('db', 'api', 'deny')
    await becomes({ web: OPEN, api: [200, 200, 403, 200], db: OPEN }, 'the deny')
    const { intentions } = await api('GET', '/intentions')
    const row = intentions.find(({ service }: { service: string }) => service === 'api')
    assert.deepEqual([row.lets, row.callers, row.enforced], ['except', ['db'], false])
    assert.match(row.note, /anonymous/)
    const told = () => stack.operator().status().problems
    assert.ok(told().some((each) => each.code === 'INTENTIONS_NOT_ENFORCED' && each.service === 'api'))
    await stack.consul.deleteKey('mesh/services/api')
    await becomes({ web: OPEN, api: [200, 200, 403, 401], db: OPEN }, 'the deny being enforced')
    assert.ok(!told().some(({ code }) => code === 'INTENTIONS_NOT_ENFORCED'))
    await undo()
    await becomes({ web: OPEN, api: OPEN, db: OPEN }, 'everything being open again')
  })

  test('while writes to Kong fail nobody gets in whom neither the old nor the new intentions let in', async () => {
    let failing = 0
    const proxy = await startFaultyProxy(stack.adminUrl, (method, path) => {
      if (method === 'GET' || path.startsWith('/schemas') || failing === 0) return 'none'
      failing -= 1
      return failing % 2 === 0 ? 'refuse-500' : 'drop'
    })
    await stack.stopOperator()
    await stack.startOperator({ sealKey, kong: { adminUrl: proxy.url } })
    const everybody = await intend('*', 'api', 'deny')
    const web = await intend('web', 'api', 'allow')
    const lets = (from: readonly number[]) =>
      becomes({ web: OPEN, api: [...from], db: OPEN }, 'the intentions')
    await lets([200, 403, 403, 401])
    const seen = new Set<number>()
    let isOver = false
    const watching = (async () => {
      while (!isOver) for (const caller of ['api', null]) seen.add(await status('api', caller))
    })()
    failing = 3
    const db = await intend('db', 'api', 'allow')
    await lets([200, 403, 200, 401])
    failing = 3
    await web()
    await lets([403, 403, 200, 401])
    await stack.consul.setKey('mesh/services/api', { auth: { methods: ['jwt', 'key-auth'] } })
    failing = 3
    await lets([403, 403, 200, 401])
    await stack.consul.deleteKey('mesh/services/api')
    failing = 3
    await lets([403, 403, 200, 401])
    isOver = true
    await watching
    assert.deepEqual([...seen].sort(), [401, 403])
    for (const undo of [db, everybody]) await undo()
    await stack.stopOperator()
    await proxy.close()
    await stack.startOperator({ sealKey })
    await becomes({ web: OPEN, api: OPEN, db: OPEN }, 'everything being open again')
  })

  test('keys are rotated under traffic without a failed request, and a revoked one is refused at once', async () => {
    const undo = await intend('db', 'api', 'deny')
    await waitFor(async () => (await status('api', null)) === 401)
    const failed: number[] = []
    let sent = 0
    let isOver = false
    const traffic = async () => {
      while (!isOver) {
        const code = await status('api', 'web')
        sent += 1
        if (code !== 200) failed.push(code)
      }
    }
    const running = Promise.all([traffic(), traffic()])
    const old = signers.get('web')!
    for (let round = 0; round < 3; round++) {
      const rotated = await api('POST', '/identities/rotate', { service: 'web', grace: '1h' })
      assert.equal(rotated.in_kong, true)
      signers.set('web', signerOf(rotated))
    }
    const before = sent
    await waitFor(() => sent > before + 20, { what: 'calls with the last key' })
    isOver = true
    await running
    assert.deepEqual([failed, (await call('api', old.authorization())).status], [[], 200])
    const { identities } = await api('GET', '/identities?service=web')
    assert.equal(identities.length, 4)
    await api('DELETE', `/identities/web?kid=${identities[0].kid}`)
    await waitFor(async () => (await call('api', old.authorization())).status === 401)
    assert.equal(await status('api', 'web'), 200)
    await undo()
  })

  test('a Kong that lost everything is rebuilt from Consul alone, callers included', async () => {
    const undo = await intend('db', 'api', 'deny')
    await waitFor(async () => (await status('api', null)) === 401)
    for (const collection of ['plugins', 'routes', 'services', 'upstreams', 'consumers']) {
      const { body } = await stack.admin('GET', `/${collection}?size=1000`)
      for (const { id } of body.data) await stack.admin('DELETE', `/${collection}/${id}`)
    }
    await stack.operator().resync()
    // Callers come back one after another.
    const hold = async () => {
      assert.deepEqual(await Promise.all(SERVICES.map((from) => status('api', from))), [200, 200, 403])
      return true
    }
    await waitFor(hold, { what: 'the intention being enforced again' })
    await undo()
  })

  test('a shared key is one more way to say who calls, and is opened again by the next operator for a Kong that lost it', async () => {
    await stack.consul.setKey('mesh/defaults', { auth: { methods: ['jwt', 'key-auth'] } })
    const undo = await intend('db', 'api', 'deny')
    const keys = new Map<string, string>()
    for (const service of ['batch', 'db'])
      keys.set(service, (await api('POST', '/identities', { service, method: 'key-auth' })).key)
    const withKey = (key: string) => fetch(`${stack.proxyUrl}/api/`, { headers: { 'x-mesh-key': key } })
    const statuses = async () => [
      (await withKey(keys.get('batch')!)).status,
      (await withKey(keys.get('db')!)).status,
      (await withKey('made-up')).status,
      await status('api', 'web'),
      await status('api', 'db'),
      await status('api', null),
    ]
    const hold = async () => {
      assert.deepEqual(await statuses(), [200, 403, 403, 200, 403, 403])
      return true
    }
    await waitFor(hold, { what: 'both ways being asked' })
    const seen = (await (await withKey(keys.get('batch')!)).json()) as { headers: Record<string, string> }
    assert.deepEqual(
      [seen.headers['x-consumer-username'], seen.headers['x-mesh-key']],
      ['mesh.batch', undefined],
    )
    await stack.stopOperator()
    for (const consumer of ['mesh.batch', 'mesh.db']) await stack.admin('DELETE', `/consumers/${consumer}`)
    await stack.startOperator({ sealKey })
    await waitFor(hold, { what: 'the keys being in Kong again' })
    const told = [
      await api('GET', '/changes'),
      await stack.consul.request('GET', '/kv/mesh-secrets/?recurse'),
    ]
    for (const each of told) assert.ok(!JSON.stringify(each).includes(keys.get('batch')!))
    const { problems } = stack.operator().status()
    assert.ok(!problems.some(({ code }) => /^(?:IDENTITY|INTENTION)/.test(code)), JSON.stringify(problems))
    for (const service of ['batch', 'db']) await api('DELETE', `/identities/${service}`)
    await stack.consul.deleteKey('mesh/defaults')
    await undo()
  })

  test('on the command line a key is issued into a file of its owner alone, rotated and revoked, and shown once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kongsul-identity-'))
    const out = join(folder, 'web.key')
    const env = { KONGSUL_ADDR: stack.operator().url }
    const run = (...args: string[]) => runKongsul(['identity', ...args], env)
    const kidsOf = async (service: string): Promise<string[]> =>
      JSON.parse((await run('list', service, '-o', 'json')).stdout).identities.map(
        (row: { kid: string }) => row.kid,
      )
    const callWith = async (text: string) => {
      const signer = new Signer({ identity: { text }, nowMs: Date.now, onFault: assert.fail })
      return (await call('api', signer.authorization())).status
    }
    const undo = await intend('db', 'api', 'deny')
    try {
      await waitFor(async () => (await status('api', null)) === 401)
      const issued = await run('issue', 'shop', '--out', out)
      assert.deepEqual([issued.code, issued.stderr], [0, ''])
      assert.match(issued.stdout, /^shop: key [0-9a-f]{16} is in .*web\.key, and nowhere else\.\n$/)
      assert.equal(statSync(out).mode & 0o777, 0o600)
      const first = readFileSync(out, 'utf8')
      assert.equal(await callWith(first), 200)
      const again = await run('issue', 'shop', '--out', out)
      assert.equal(again.code, 1)
      assert.match(again.stderr, /use kongsul identity rotate shop --out/)
      assert.equal(readFileSync(out, 'utf8'), first)
      const rotated = await run('rotate', 'shop', '--grace', '1h', '--out', out)
      assert.equal(rotated.code, 0, rotated.stderr)
      const second = readFileSync(out, 'utf8')
      assert.deepEqual([await callWith(first), await callWith(second)], [200, 200])
      const [old, next] = await kidsOf('shop')
      assert.ok(rotated.stdout.includes(next!))
      const revoked = await run('revoke', 'shop', '--kid', old!)
      assert.deepEqual([revoked.code, revoked.stdout], [0, `shop: key ${old} is refused from now on.\n`])
      await waitFor(async () => (await callWith(first)) === 401, { what: 'the old key being refused' })
      assert.equal(await callWith(second), 200)
      // Without --out the key is what is printed, this once.
      const shown = await run('issue', 'shop')
      assert.match(shown.stdout, /-----BEGIN PRIVATE KEY-----/)
      assert.equal(await callWith(shown.stdout), 200)
      assert.ok(!(await run('list', 'shop', '-o', 'json')).stdout.includes('PRIVATE KEY'))
      assert.equal((await run('revoke', 'shop')).code, 0)
      await waitFor(async () => (await callWith(second)) === 401)
      assert.deepEqual(await kidsOf('shop'), [])
      const none = await run('revoke', 'shop')
      assert.deepEqual([none.code, /shop/.test(none.stderr)], [1, true], none.stderr)
    } finally {
      rmSync(folder, { recursive: true, force: true })
      await undo()
    }
  })

  test('nothing of a private key is in KV, in Kong, in the plan or in what the operator tells of its changes', async () => {
    const issued = await api('POST', '/identities', { service: 'web' })
    const secret = issued.private_key.split('\n')[2]
    const told = [
      await stack.consul.request('GET', '/kv/mesh/?recurse'),
      await api('GET', '/identities'),
      await api('GET', '/changes'),
      await api('GET', '/plan'),
      (await stack.admin('GET', '/jwts')).body,
    ].map((each) => JSON.stringify(each))
    for (const text of told) {
      assert.ok(!text.includes(secret) && !text.includes('PRIVATE KEY'))
      assert.ok(!text.includes(Buffer.from(secret).toString('base64').slice(0, 40)))
    }
  })
})

describe('default_intention_policy of Consul', () => {
  test('says who is let in where no intention does, though access control allows everything; settings go before it', async (t) => {
    const [major, minor] = await readConsulVersion(await findConsul({ log: () => {} }))
    // Before 1.18 Consul has no such setting: access control alone says it.
    const isKnown = major > 1 || minor >= 18
    const [bySettings, byPolicy] = isKnown ? [200, 401] : [401, 200]
    const server = await startEchoServer()
    const stack = await startStack(isKnown ? { config: { default_intention_policy: 'deny' } } : {})
    t.after(async () => {
      await stack.stop()
      await server.close()
    })
    await stack.consul.register({ Name: 'web', ID: 'web', Address: '127.0.0.1', Port: server.port })
    await stack.startOperator()
    const status = async () => (await fetch(`${stack.proxyUrl}/web/`)).status
    await waitFor(async () => (await status()) === byPolicy, { what: `a stranger getting ${byPolicy}` })
    await stack.consul.setKey('mesh/defaults', { intentions: { default: isKnown ? 'allow' : 'deny' } })
    await waitFor(async () => (await status()) === bySettings, { what: `a stranger getting ${bySettings}` })
  })
})
