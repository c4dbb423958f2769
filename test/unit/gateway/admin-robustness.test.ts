import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { type Admin, startAdmin } from '../../../kong/gateway/admin/server.ts'
import { readPluginDefinitions } from '../../../kong/gateway/plugin-definitions.ts'
import { COLLECTIONS } from '../../../kong/gateway/schema/schemas.ts'
import { Store } from '../../../kong/gateway/store.ts'

const failures: unknown[] = []
const log = { error: (message: string, fields?: object) => failures.push({ message, fields }) }
const balancers = {
  health: () => undefined,
  balancerHealth: () => undefined,
  mark: () => 'no balancer' as const,
}

let store: Store
let admin: Admin
let url: string

before(async () => {
  store = new Store()
  const plugins = await readPluginDefinitions({ plugins: ['bundled'], pluginServers: [] })
  admin = await startAdmin({ store, plugins, balancers, version: '3.9.1', nodeId: 'node', log, port: 0 })
  url = `http://127.0.0.1:${admin.port}`
  await send('PUT', '/services/s1', '{"host":"h"}')
  await send('PUT', '/routes/r1', '{"paths":["/r1"],"service":{"name":"s1"}}')
  await send('PUT', '/upstreams/u1', '{}')
  await send('POST', '/upstreams/u1/targets', '{"target":"127.0.0.1:9000"}')
  await send('PUT', '/consumers/c1', '{}')
})

after(() => admin.close())

async function send(method: string, path: string, body?: string, type = 'application/json') {
  const headers = body === undefined ? {} : { 'content-type': type }
  const call = () => fetch(url + path, { method, headers, ...(body === undefined ? {} : { body }) })
  // A kept-alive connection may have been closed while the machine was busy; a gateway that crashed fails again.
  const response = await call().catch(call)
  return { status: response.status, text: await response.text() }
}

const contents = (): string => JSON.stringify(COLLECTIONS.map((collection) => [...store.all(collection)]))

const FIELDS = (
  'name host port protocol path url retries tags id created_at service route consumer config protocols paths hosts ' +
  'methods headers snis sources healthchecks algorithm hash_on hash_on_header slots target weight upstream username ' +
  'custom_id key group cert certificate minute enabled __proto__ constructor 1'
).split(' ')

const PATHS = (
  '/services /services/s1 /services/s1/routes /services/s1/plugins /routes /routes/r1 /routes/r1/service /upstreams ' +
  '/upstreams/u1 /upstreams/u1/targets /upstreams/u1/targets/127.0.0.1:9000 /plugins /consumers /consumers/c1 ' +
  '/consumers/c1/key-auth /consumers/c1/acls /consumers/c1/jwt /certificates /ca_certificates /snis /snis/a.test ' +
  '/schemas/plugins/validate /schemas/routes/validate /config /tags /nothing'
).split(' ')

const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(
    'http',
    'grpc',
    'rate-limiting',
    'cors',
    'jwt',
    'ip',
    'header',
    '*.a',
    '/p',
    '~/p(',
    '::1',
    's1',
  ),
  fc.constantFrom<object>(
    { name: 's1' },
    { id: 'x' },
    ['http'],
    ['/p', 5],
    { active: { healthy: 5 } },
    { minute: 5 },
  ),
)
const record = fc.dictionary(fc.constantFrom(...FIELDS), value, { maxKeys: 6, noNullPrototype: true })

test('whatever is sent, the answer is never a 500, and a refused request changes nothing', async () => {
  const method = fc.constantFrom('POST', 'PUT', 'PATCH')
  await fc.assert(
    fc.asyncProperty(method, fc.constantFrom(...PATHS), record, async (verb, path, body) => {
      const earlier = contents()
      const { status, text } = await send(verb, path, JSON.stringify(body))
      ok(status < 500, `${status} ${text}`)
      if (status >= 400) equal(contents(), earlier)
    }),
    { numRuns: 1500 },
  )
  deepEqual(failures, [])
})

test('neither broken JSON nor odd forms nor odd queries are a 500', async () => {
  const odd = fc.string({ unit: 'binary', maxLength: 40 })
  const type = fc.constantFrom(
    'application/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=a',
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...PATHS), odd, odd, type, async (path, body, query, contentType) => {
      const sent = await send('POST', path, body, contentType)
      ok(sent.status < 500, sent.text)
      const asked = await send(
        'GET',
        `${path}?${Buffer.from(query)
          .toString('latin1')
          .replaceAll(/[^!-~]|#/g, '%')}`,
      )
      ok(asked.status < 500, asked.text)
    }),
    { numRuns: 500 },
  )
  deepEqual(failures, [])
})

test('keys that name prototypes are unknown fields, and reach no prototype', async () => {
  const { status, text } = await send(
    'POST',
    '/services',
    '{"host":"h","__proto__":{"enabled":false},"constructor":1}',
  )
  equal(status, 400)
  deepEqual(
    JSON.parse(text).fields,
    JSON.parse('{"__proto__":"unknown field","constructor":"unknown field"}'),
  )
  const form = await send('POST', '/services', 'host=h&__proto__.x=1', 'application/x-www-form-urlencoded')
  equal(form.status, 400)
  equal(({} as Record<string, unknown>)['x'], undefined)
})

test('a body over 10 MiB is refused with 413', async () => {
  const { status, text } = await send('POST', '/services', `{"host":"${'h'.repeat(11 * 1024 * 1024)}"}`)
  equal(status, 413)
  ok(text.includes('413 Request Entity Too Large'))
})

test('a refused DELETE of a certificate takes its names all the same', async () => {
  const certificate = { id: '11111111-1111-4111-8111-111111111111' }
  store.put('certificates', { ...certificate, created_at: 1, updated_at: 1, tags: null, cert: '', key: '' })
  await send('POST', '/snis', JSON.stringify({ name: 'gone.test', certificate }))
  const user = { host: 'h', protocol: 'https', client_certificate: certificate }
  equal((await send('PUT', '/services/user', JSON.stringify(user))).status, 200)
  equal((await send('DELETE', `/certificates/${certificate.id}`)).status, 400)
  equal((await send('GET', '/snis/gone.test')).status, 404)
  ok(store.get('certificates', certificate.id))
})

test('a service takes its plugins along, but not its routes', async () => {
  await send('PUT', '/services/s2', '{"host":"h"}')
  const { id } = JSON.parse((await send('POST', '/services/s2/plugins', '{"name":"cors"}')).text)
  ok(store.get('plugins', id))
  equal((await send('DELETE', '/services/s2')).status, 204)
  equal(store.get('plugins', id), undefined)
  await send('PUT', '/services/s3', '{"host":"h"}')
  equal((await send('POST', '/services/s3/routes', '{"paths":["/s3"]}')).status, 201)
  equal((await send('DELETE', '/services/s3')).status, 400)
})
