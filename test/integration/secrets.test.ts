// Every secret the operator runs with is marked; then everything it shows is searched for the marks.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { runKongsul } from '../support/kongsul-process.ts'
import { Mesh } from '../support/mesh.ts'
import { waitFor } from '../support/wait-for.ts'

const MARK = 'marked-secret'
const secret = (name: string) => `${MARK}-${name}-0123456789`
const ACCESS = secret('access')

let mesh: Mesh
let env: Record<string, string>
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
    KONGSUL_TRACES_EXPORT: 'http://127.0.0.1:9',
    KONGSUL_TRACES_EXPORT_AUTHORIZATION: `Bearer ${secret('export')}`,
    // Nothing listens: the log will tell of it again and again.
    REDIS_URL: `redis://user:${secret('redis')}@127.0.0.1:9`,
    KONGSUL_LOG_LEVEL: 'debug',
  }
  await mesh.startOperator(env)
})
after(() => mesh.stop())

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
  const telling = [...shown].flatMap(([what, text]) => {
    const found = new RegExp(`${MARK}-(?!wrong)[a-z-]+`).exec(text)
    return found === null
      ? []
      : [`${what}: ...${text.slice(Math.max(0, found.index - 80), found.index + 60)}`]
  })
  deepEqual(telling, [])
})
