import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { isForeign, mayPass, type Visit } from '../../../operator/access/door-rules.ts'
import { isWithin, legacyNetworks, parseNetworks } from '../../../operator/access/networks.ts'
import { parseTokens } from '../../../operator/access/parse-tokens.ts'
import { TokenBook } from '../../../operator/access/token-book.ts'
import { WriteLimiter } from '../../../operator/access/write-rate.ts'
import { silentLogger } from '../../../operator/telemetry/logger.ts'
import { bareApi } from '../../support/bare-api.ts'
import { waitFor } from '../../support/wait-for.ts'

const READER = 'reader-token-0123456789'
const WRITER = 'writer-token-0123456789'

const table: [door: Visit['door'], rights: Visit['rights'], loopback: number, elsewhere: number][] = [
  ['open', null, 200, 200],
  ['internal', null, 200, 200],
  ['read', null, 200, 401],
  ['read', 'unknown', 200, 401],
  ['read', 'read', 200, 200],
  ['read', 'write', 200, 200],
  ['write', null, 200, 401],
  ['write', 'unknown', 200, 401],
  ['write', 'read', 403, 403],
  ['write', 'write', 200, 200],
  ['call', null, 200, 401],
  ['call', 'read', 403, 403],
  ['call', 'write', 200, 200],
]
for (const [door, rights, loopback, elsewhere] of table) {
  test(`door ${door} with ${rights ?? 'no token'}: ${loopback} on loopback, ${elsewhere} elsewhere`, () => {
    const status = (isLoopback: boolean) => {
      const verdict = mayPass({ door, isLoopback, rights })
      return verdict.ok ? 200 : verdict.status
    }
    deepEqual([status(true), status(false)], [loopback, elsewhere])
  })
}

test('old clients of a named network need no token, at the old API alone and nowhere else', async () => {
  const networks = parseNetworks('10.0.0.0/8, fd00::/8')!
  const isLegacyClient = (address: string) => isWithin(networks, address)
  const { app } = bareApi({ host: '0.0.0.0', guard: { isLegacyClient } })
  const visit = async (method: 'GET' | 'POST' | 'PUT', url: string, remoteAddress: string) =>
    (await app.inject({ method, url, remoteAddress, headers: { host: 'x' } })).statusCode
  for (const [address, status] of [
    ['10.1.2.3', 422],
    ['::ffff:10.1.2.3', 422],
    ['fd00::1', 422],
    ['11.0.0.1', 401],
    ['127.0.0.1', 401],
  ] as const) {
    for (const base of ['/api/v1/mesh', '/api/v1/mesh/v2']) {
      equal(await visit('POST', `${base}/enqueue`, address), status, address)
      equal(await visit('GET', `${base}/results`, address), status, address)
    }
    equal(await visit('GET', '/api/v1/mesh/v2/services', address), 401)
    equal(await visit('PUT', '/api/v1/mesh/v2/migrations/x', address), 401)
    equal(await visit('POST', '/api/v1/mesh/v2/call', address), 401)
  }
  await app.close()
})

test('access.legacy is token, or anonymous with networks', () => {
  deepEqual(legacyNetworks('token'), { networks: undefined })
  deepEqual(legacyNetworks('anonymous:10.0.0.0/8,::1'), { networks: '10.0.0.0/8,::1' })
  for (const wrong of [
    'anonymous',
    'anonymous:',
    'anonymous:10.0.0.0/33',
    'anonymous:host',
    'anyone',
    'anonymous:10.0.0.0/8,',
  ])
    equal(legacyNetworks(wrong), null, wrong)
})

test('a page of another site is told by its origin or by what the browser says', () => {
  const host = 'localhost:8080'
  ok(!isForeign({ host }))
  ok(!isForeign({ host, origin: 'http://localhost:8080', 'sec-fetch-site': 'same-origin' }))
  for (const origin of ['http://evil.example', 'http://localhost:3000', 'null', 'x'])
    ok(isForeign({ host, origin }))
  for (const site of ['cross-site', 'same-site']) ok(isForeign({ host, 'sec-fetch-site': site }))
})

test('lines of tokens have a name and a right, or stand alone', () => {
  const text = `# ours\nada write ${WRITER}\nbob  read ${READER}\n\n${'x'.repeat(16)}\nshort read x\na b\neve admin ${WRITER}\n`
  const { tokens, problems } = parseTokens(text, 'file')
  deepEqual(
    tokens.map(({ name, rights }) => [name, rights]),
    [
      ['ada', 'write'],
      ['bob', 'read'],
      ['file', 'write'],
    ],
  )
  equal(problems.length, 3)
})

test('tokens are read again when their file changes, and stay when it cannot be read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tokens-'))
  const file = join(folder, 'tokens')
  writeFileSync(file, `bob read ${READER}\n`)
  const book = new TokenBook([file, join(folder, 'none')], undefined, silentLogger)
  deepEqual([book.find(READER)?.name, book.find(WRITER)], ['bob', null])
  writeFileSync(file, `ada write ${WRITER}\nbob read ${READER}\n`)
  await waitFor(() => book.find(WRITER)?.name === 'ada')
  rmSync(folder, { recursive: true })
  equal(book.find(READER)?.name, 'bob')
  ok(!book.isEmpty && new TokenBook([], undefined, silentLogger).isEmpty)
})

test('a client writes as often as the burst, then as fast as the rate; others are not held up', () => {
  const limiter = new WriteLimiter({ perSecond: 2, burst: 3 })
  deepEqual(
    [1, 2, 3].map(() => limiter.take('a', 0)),
    [null, null, null],
  )
  equal(limiter.take('a', 0), 1)
  equal(limiter.take('b', 0), null)
  equal(limiter.take('a', 499), 1)
  equal(limiter.take('a', 500), null)
})

const V2 = '/api/v1/mesh/v2'
const book = new TokenBook([], WRITER, silentLogger)
const send = (
  { app }: ReturnType<typeof bareApi>,
  method: 'GET' | 'POST',
  path: string,
  headers: Record<string, string> = {},
  payload = '{}',
) =>
  app.inject({
    method,
    url: path,
    headers: {
      host: 'localhost',
      ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
      ...headers,
    },
    ...(method === 'POST' ? { payload } : {}),
  })

test('off loopback nothing but the open doors is passed without a token', async () => {
  const api = bareApi({ host: '0.0.0.0', guard: { tokens: book } })
  for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs']) {
    equal((await send(api, 'GET', path)).statusCode, 200, path)
  }
  for (const path of ['/services', '/health', '/configure', '/status']) {
    const answer = await send(api, 'GET', `${V2}${path}`)
    deepEqual([answer.statusCode, answer.headers['www-authenticate']], [401, 'Bearer'])
    equal(
      (await send(api, 'GET', `${V2}${path}?zz=1`, { authorization: `Bearer ${WRITER}` })).statusCode >= 422,
      true,
    )
  }
  for (const path of ['/register', '/call', '/configure/tracing', '/apply']) {
    equal((await send(api, 'POST', `${V2}${path}`)).statusCode, 401, path)
    equal((await send(api, 'POST', `${V2}${path}`, { authorization: 'Bearer wrong' })).statusCode, 401)
    equal((await send(api, 'POST', `${V2}${path}`, { authorization: `Basic ${WRITER}` })).statusCode, 401)
    const known = await send(api, 'POST', `${V2}${path}`, { authorization: `bearer ${WRITER}` }, '{"zz":1}')
    equal(known.statusCode, 422, path)
  }
  equal((await send(api, 'GET', '/nothing')).statusCode, 404)
})

test('on loopback a foreign page, a foreign Host and other bodies than JSON are refused', async () => {
  const api = bareApi({ guard: { names: ['mesh.example.com'] } })
  const register = (headers: Record<string, string>, payload = '{"zz":1}') =>
    send(api, 'POST', `${V2}/register`, headers, payload)
  equal((await register({})).statusCode, 422)
  equal((await register({ host: 'evil.example' })).statusCode, 421)
  equal((await register({ host: 'mesh.example.com:8080' })).statusCode, 422)
  equal((await register({ origin: 'http://evil.example' })).statusCode, 403)
  equal((await register({ 'sec-fetch-site': 'cross-site' })).statusCode, 403)
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    equal((await register({ 'content-type': type })).statusCode, 415)
  }
  equal((await register({}, `{"a":"${'x'.repeat(1024 * 1024)}"}`)).statusCode, 413)
  equal((await send(api, 'GET', `${V2}/openapi.json`, { origin: 'http://evil.example' })).statusCode, 404)
  deepEqual(api.asked, [])
})

test('too many writes are 429 with Retry-After, reads and calls go on', async () => {
  const api = bareApi({ guard: { writeRate: { perSecond: 1, burst: 2 } } })
  const statuses: number[] = []
  for (let at = 0; at < 3; at++) {
    statuses.push((await send(api, 'POST', `${V2}/apply`, {}, '{"zz":1}')).statusCode)
  }
  deepEqual(statuses, [422, 422, 429])
  const late = await send(api, 'POST', `${V2}/apply`)
  equal(late.headers['retry-after'], '1')
  equal(late.json().error.code, 'too_many_requests')
  equal((await send(api, 'POST', `${V2}/call`, {}, '{"zz":1}')).statusCode, 422)
  equal((await send(api, 'GET', '/healthz')).statusCode, 200)
})
