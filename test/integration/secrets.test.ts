// Every secret the operator runs with is marked; then everything it shows is searched for the marks.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runKongsul } from '../support/kongsul-process.ts'
import { makeCertificate } from '../support/make-certificate.ts'
import { Mesh } from '../support/mesh.ts'
import { waitFor } from '../support/wait-for.ts'

const MARK = 'marked-secret'
const secret = (name: string) => `${MARK}-${name}-0123456789`
const ACCESS = secret('access')

let mesh: Mesh
let env: Record<string, string>
/** Secrets that are made as the test goes, by what they are. */
const grown = new Map<string, string>()
const folder = mkdtempSync(join(tmpdir(), 'kongsul-secrets-'))
const shown = new Map<string, string>()
before(async () => {
  mesh = await Mesh.start()
  env = {
    CONSUL_HTTP_ADDR: mesh.consul.url,
    CONSUL_HTTP_TOKEN: secret('consul'),
    KONG_ADMIN_URL: mesh.adminUrl,
    KONG_PROXY_URL: mesh.proxyUrl,
    KONGSUL_MESH: mesh.name,
    KONGSUL_EXPOSE_DEFAULT: 'all',
    KONGSUL_KONG_TOKEN: secret('kong'),
    KONGSUL_ACCESS_TOKEN: ACCESS,
    KONGSUL_FEED_TOKEN: secret('feed'),
    KONGSUL_FEED_LINE_TOKEN: secret('line'),
    KONGSUL_ALERTS_WEBHOOK: 'http://127.0.0.1:9',
    KONGSUL_ALERTS_WEBHOOK_TOKEN: secret('webhook'),
    KONGSUL_TRACES_EXPORT_URL: 'http://127.0.0.1:9',
    KONGSUL_TRACES_EXPORT_AUTHORIZATION: `Bearer ${secret('export')}`,
    // Nothing listens: the log will tell of it again and again.
    REDIS_URL: `redis://user:${secret('redis')}@127.0.0.1:9`,
    KONGSUL_LOG_LEVEL: 'debug',
    KONGSUL_SECRETS_KEY_FILE: join(folder, 'seal.key'),
    KONGSUL_CERTIFICATES_FOLDER: folder,
  }
  writeFileSync(join(folder, 'seal.key'), randomBytes(32).toString('base64'), { mode: 0o600 })
  await mesh.startOperator(env)
})
after(async () => {
  await mesh?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const ask = async (path: string, init: RequestInit = {}) => {
  const headers = { authorization: `Bearer ${ACCESS}`, 'content-type': 'application/json', ...init.headers }
  const answer = await fetch(`${mesh.apiUrl}${path}`, { ...init, headers })
  const text = await answer.text()
  shown.set(`${init.method ?? 'GET'} ${path}`, `${JSON.stringify([...answer.headers])} ${text}`)
  return { status: answer.status, text }
}

test('no answer of the API holds one', async () => {
  const instance = await mesh.startInstance('plain')
  await mesh.register({ id: 'plain', name: mesh.service('plain'), port: instance.port })
  await mesh.waitLive(mesh.service('plain'))
  const { paths } = JSON.parse((await ask('/openapi.json')).text) as { paths: Record<string, object> }
  const isStream = (path: string) =>
    path.endsWith('/events') || path.includes('/outcomes') || path.includes('/tap')
  const readable = Object.entries(paths).filter(([path, item]) => 'get' in item && !isStream(path))
  for (const [path] of readable) await ask(path.replaceAll(/\{[^}]+\}/g, mesh.service('plain')))
  ok(readable.length > 30, `${readable.length} paths were read`)
  // What is refused is told of as well.
  await ask('/api/v1/mesh/v2/register', { method: 'POST', body: '{"service_name": 1}' })
  equal(
    (await ask('/api/v1/mesh/v2/status', { headers: { authorization: `Bearer ${secret('wrong')}` } }))
      .status < 500,
    true,
  )
})

test('no command prints one', async () => {
  const asked = { ...env, KONGSUL_ADDR: mesh.apiUrl }
  for (const command of ['status', 'plan --direct', 'config process', 'config process -o json', 'doctor']) {
    const { stdout, stderr } = await runKongsul(command.split(' '), asked)
    shown.set(`kongsul ${command}`, stdout + stderr)
  }
  const unreached = { ...asked, CONSUL_HTTP_ADDR: 'http://127.0.0.1:9', KONG_ADMIN_URL: 'http://127.0.0.1:9' }
  const { stdout, stderr } = await runKongsul(['doctor'], unreached)
  shown.set('kongsul doctor with nobody there', stdout + stderr)
})

/** A line of a private key: what follows its head is the key itself. */
const lineOf = (pem: string) => pem.trim().split('\n').slice(-2)[0]!.trim()

test('keys of identities and certificates are told once, and shown nowhere after that', async () => {
  const made = async (body: object) => {
    const answer = await fetch(`${mesh.apiUrl}/api/v1/mesh/v2/identities`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ACCESS}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    equal(answer.status < 300, true)
    return (await answer.json()) as { private_key: string | null; key: string | null }
  }
  const signing = await made({ service: 'caller' })
  const knocking = await made({ service: 'batch', method: 'key-auth' })
  const { cert, key } = makeCertificate(['edge.example'])
  writeFileSync(join(folder, 'edge.pem'), cert)
  writeFileSync(join(folder, 'edge.key'), key)
  await mesh.setKv('mesh/certificates/edge', {
    ...{ certFile: 'edge.pem', keyFile: 'edge.key', hosts: ['edge.example'] },
  })
  const isThere = async (path: string) => ((await mesh.admin('GET', path)).body.data ?? []).length > 0
  // Kong has what it needs in clear, which docs/security.md says.
  await waitFor(() => isThere('/certificates'), { what: 'the certificate in Kong' })
  await waitFor(() => isThere('/key-auths'), { what: 'the key in Kong' })
  for (const [name, text] of [
    ['private key of an identity', lineOf(signing.private_key!)],
    ['key of key-auth', knocking.key!],
    ['private key of a certificate', lineOf(key)],
    ['key that seals', readFileSync(join(folder, 'seal.key'), 'utf8')],
  ] as const) {
    ok(text.length > 16, name)
    grown.set(name, text)
  }
  for (const path of ['identities', 'changes', 'status', 'configure', 'overrides', 'events?since=0'])
    await ask(`/api/v1/mesh/v2/${path}`)
  const asked = { ...env, KONGSUL_ADDR: mesh.apiUrl }
  for (const command of ['identity list', 'plan --direct', 'status', 'config process']) {
    const { stdout, stderr } = await runKongsul(command.split(' '), asked)
    shown.set(`kongsul ${command} with keys`, stdout + stderr)
  }
})

test('a report of a crash, with secrets in files, holds none', async () => {
  const files = { consul: secret('file-consul'), kong: secret('file-kong'), feed: secret('file-feed') }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const keys = ['CONSUL_HTTP_TOKEN', 'KONGSUL_KONG_TOKEN', 'KONGSUL_FEED_TOKEN', 'REDIS_URL']
  const bare = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => !keys.includes(name) && !value.includes(MARK)),
  )
  const other = await mesh.addOperator({
    ...bare,
    CONSUL_HTTP_TOKEN_FILE: join(folder, 'consul'),
    KONGSUL_KONG_TOKEN_FILE: join(folder, 'kong'),
    KONGSUL_FEED_TOKEN_FILE: join(folder, 'feed'),
    NODE_OPTIONS: `--report-on-signal --report-uncaught-exception --report-directory=${folder}`,
  })
  process.kill(other.process.pid, 'SIGUSR2')
  const reports = () => readdirSync(folder).filter((file) => file.startsWith('report.'))
  const report = await waitFor(
    () => {
      const [file] = reports()
      const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8')
      return text.trimEnd().endsWith('}') ? text : null
    },
    { what: 'the report' },
  )
  shown.set('the report', report)
  await other.process.stop('SIGABRT')
  shown.set('the log of the one that crashed', other.process.output())
})

test('no log line, and nothing in Kong or in Consul, holds one', async () => {
  await waitFor(() => mesh.operator.output().includes('redis') || mesh.operator.output().includes('Redis'), {
    what: 'Redis in the log',
  })
  for (const kind of ['services', 'routes', 'upstreams', 'plugins']) {
    shown.set(`Kong's ${kind}`, JSON.stringify((await mesh.admin('GET', `/${kind}?size=1000`)).body))
  }
  const keys = (await (await fetch(`${mesh.consul.url}/v1/kv/mesh/?recurse`)).json()) as {
    Value: string | null
  }[]
  shown.set('KV', keys.map(({ Value }) => Buffer.from(Value ?? '', 'base64').toString()).join('\n'))
  shown.set('the agent', await (await fetch(`${mesh.consul.url}/v1/agent/services`)).text())
  await mesh.operator.stop()
  shown.set('the log', mesh.operator.output())
  ok(mesh.operator.output().length > 1_000, 'the log was written')
  const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')
  equal(grown.size, 4)
  const marks = new RegExp([`${MARK}-(?!wrong)[a-z-]+`, ...[...grown.values()].map(escaped)].join('|'))
  const telling = [...shown].flatMap(([what, text]) => {
    const found = marks.exec(text)
    return found === null
      ? []
      : [`${what}: ...${text.slice(Math.max(0, found.index - 80), found.index + 60)}`]
  })
  deepEqual(telling, [])
})
