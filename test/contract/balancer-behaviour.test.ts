import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { type KongUnderTest, startKongUnderTest } from '../support/kong-under-test.ts'
import { createPool } from '../support/pool.ts'
import { waitFor } from '../support/wait-for.ts'

let kong: KongUnderTest
let echoes: EchoServer[]
let a: number
let b: number
let c: number

before(async () => {
  kong = await startKongUnderTest()
  echoes = await Promise.all([startEchoServer(), startEchoServer(), startEchoServer()])
  ;[a, b, c] = echoes.map((echo) => echo.port) as [number, number, number]
})

after(async () => {
  await kong.close()
  for (const echo of echoes) await echo.close()
})

const byHeader = (header: string) => ({
  algorithm: 'consistent-hashing',
  hash_on: 'header',
  hash_on_header: header,
})

test('round-robin gives every target exactly its weight over the sum of weights', async () => {
  const pool = await createPool(kong, {
    targets: [
      [a, 5],
      [b, 3],
      [c, 2],
    ],
  })
  deepEqual(await pool.tally(20), { [a]: 10, [b]: 6, [c]: 4 })
})

test('round-robin weights count by their ratio, not by their size', async () => {
  const pool = await createPool(kong, {
    targets: [
      [a, 100],
      [b, 300],
    ],
  })
  deepEqual(await pool.tally(8), { [a]: 2, [b]: 6 })
})

test('a target of weight 0 gets nothing', async () => {
  const pool = await createPool(kong, {
    targets: [
      [a, 1],
      [b, 0],
    ],
  })
  deepEqual(await pool.tally(6), { [a]: 6 })
})

test('setting a weight to 0 takes a target out, and giving it back brings it in again', async () => {
  const pool = await createPool(kong, {
    targets: [
      [a, 1],
      [b, 1],
    ],
  })
  equal(await pool.admin('PATCH', `/upstreams/${pool.name}/targets/127.0.0.1:${b}`, { weight: 0 }), 200)
  await waitFor(async () => (await pool.tally(4))[b] === undefined, { what: 'the target being left out' })
  equal(await pool.admin('PATCH', `/upstreams/${pool.name}/targets/127.0.0.1:${b}`, { weight: 1 }), 200)
  await waitFor(async () => (await pool.tally(4))[b] === 2, { what: 'the target being back' })
})

test('an added target gets its share, a deleted one nothing more', async () => {
  const pool = await createPool(kong, { targets: [[a, 1]] })
  equal(
    await pool.admin('POST', `/upstreams/${pool.name}/targets`, { target: `127.0.0.1:${b}`, weight: 1 }),
    201,
  )
  await waitFor(async () => (await pool.tally(4))[b] === 2, { what: 'the new target being used' })
  equal(await pool.admin('DELETE', `/upstreams/${pool.name}/targets/127.0.0.1:${a}`), 204)
  await waitFor(async () => (await pool.tally(4))[b] === 4, { what: 'the deleted target being left' })
})

for (const [what, targets] of [
  ['no target', () => []],
  [
    'only targets of weight 0',
    () => [
      [a, 0],
      [b, 0],
    ],
  ],
] as const) {
  test(`an upstream with ${what} answers 503 in the words of the ring balancer`, async () => {
    const pool = await createPool(kong, { targets: targets() as [number, number][] })
    const answer = await pool.send()
    equal(answer.status, 503)
    equal(JSON.parse(answer.text).message, 'failure to get a peer from the ring-balancer')
  })
}

test('least-connections prefers the target with more weight as long as nothing is in flight', async () => {
  const pool = await createPool(kong, {
    upstream: { algorithm: 'least-connections' },
    targets: [
      [a, 10],
      [b, 30],
    ],
  })
  deepEqual(await pool.tally(10), { [b]: 10 })
})

test('least-connections sends requests past a target that is busy', async () => {
  const pool = await createPool(kong, {
    upstream: { algorithm: 'least-connections' },
    targets: [
      [a, 10],
      [b, 10],
    ],
  })
  const seen = echoes[0]!.seen.length
  echoes[0]!.behave({ hang: true })
  const waiting = [pool.send({ timeoutMs: 60_000 }), pool.send({ timeoutMs: 60_000 })]
  for (const request of waiting) request.catch(() => {})
  try {
    await waitFor(() => echoes[0]!.seen.length > seen, { what: 'a request hanging' })
    deepEqual(await pool.tally(10), { [b]: 10 })
  } finally {
    echoes[0]!.behave({})
  }
})

test('latency uses every target of an idle upstream and fails none', async () => {
  const pool = await createPool(kong, {
    upstream: { algorithm: 'latency' },
    targets: [
      [a, 10],
      [b, 10],
    ],
  })
  const counts = await pool.tally(20)
  equal((counts[a] ?? 0) + (counts[b] ?? 0), 20)
})

test('consistent hashing on a header sends one value to one target and spreads many', async () => {
  const pool = await createPool(kong, {
    upstream: byHeader('traceparent'),
    targets: [
      [a, 10],
      [b, 10],
      [c, 10],
    ],
  })
  const many = await pool.tally(90, (index) => ({ headers: { traceparent: `value-${index}` } }))
  equal(Object.keys(many).length, 3)
  const one = await pool.tally(10, () => ({ headers: { traceparent: 'always-this' } }))
  equal(Object.keys(one).length, 1)
})

test('consistent hashing spreads by weight', async () => {
  const pool = await createPool(kong, {
    upstream: byHeader('spread'),
    targets: [
      [a, 30],
      [b, 10],
    ],
  })
  const counts = await pool.tally(200, (index) => ({ headers: { spread: `v${index}` } }))
  ok(counts[a]! > 110 && counts[b]! > 25, JSON.stringify(counts))
})

test('a hash header with a dash in its name sends everything to one target', async () => {
  const pool = await createPool(kong, {
    upstream: byHeader('x-trap'),
    targets: [
      [a, 10],
      [b, 10],
      [c, 10],
    ],
  })
  const counts = await pool.tally(40, (index) => ({ headers: { 'x-trap': `v${index}` } }))
  equal(Object.keys(counts).length, 1)
})

test('the same header named with an underscore spreads', async () => {
  const pool = await createPool(kong, {
    upstream: byHeader('x_trap'),
    targets: [
      [a, 10],
      [b, 10],
      [c, 10],
    ],
  })
  const counts = await pool.tally(60, (index) => ({ headers: { 'x-trap': `v${index}` } }))
  equal(Object.keys(counts).length, 3)
})

test('without the header the fallback decides: ip keeps a client on one target', async () => {
  const upstream = { ...byHeader('missing'), hash_fallback: 'ip' }
  const pool = await createPool(kong, {
    upstream,
    targets: [
      [a, 10],
      [b, 10],
      [c, 10],
    ],
  })
  equal(Object.keys(await pool.tally(20)).length, 1)
})

test('hashing on ip keeps a client on one target', async () => {
  const upstream = { algorithm: 'consistent-hashing', hash_on: 'ip' }
  const pool = await createPool(kong, {
    upstream,
    targets: [
      [a, 10],
      [b, 10],
      [c, 10],
    ],
  })
  equal(Object.keys(await pool.tally(20)).length, 1)
})

test('hashing on a cookie makes one for who has none and then stays with it', async () => {
  const upstream = { algorithm: 'consistent-hashing', hash_on: 'cookie', hash_on_cookie: 'stick' }
  const pool = await createPool(kong, {
    upstream,
    targets: [
      [a, 10],
      [b, 10],
      [c, 10],
    ],
  })
  const first = await pool.send()
  const cookie = String(first.headers['set-cookie'])
  match(cookie, /^stick=[0-9a-f-]{36}; Path=\/; Same-Site=Lax; HttpOnly$/)
  const value = cookie.split(';')[0]!
  const again = await pool.tally(10, () => ({ headers: { cookie: `other=1; ${value}` } }))
  deepEqual(again, { [JSON.parse(first.text).port]: 10 })
  equal((await pool.send({ headers: { cookie: value } })).headers['set-cookie'], undefined)
})

test('hashing on the path spreads paths and keeps each where it is', async () => {
  const upstream = { algorithm: 'consistent-hashing', hash_on: 'path' }
  const pool = await createPool(kong, {
    upstream,
    targets: [
      [a, 10],
      [b, 10],
      [c, 10],
    ],
  })
  const many = await pool.tally(60, (index) => ({ path: `/${pool.name}/p${index}` }))
  equal(Object.keys(many).length, 3)
  equal(Object.keys(await pool.tally(5, () => ({ path: `/${pool.name}/p7` }))).length, 1)
})

test('hashing on a query argument takes all its values, in any order', async () => {
  const upstream = { algorithm: 'consistent-hashing', hash_on: 'query_arg', hash_on_query_arg: 'key' }
  const pool = await createPool(kong, {
    upstream,
    targets: [
      [a, 10],
      [b, 10],
      [c, 10],
    ],
  })
  const many = await pool.tally(60, (index) => ({ path: `/${pool.name}/?key=${index}` }))
  equal(Object.keys(many).length, 3)
  const orders = ['?key=1&key=2', '?key=2&key=1', '?key=2&other=3&key=1']
  equal(Object.keys(await pool.tally(3, (index) => ({ path: `/${pool.name}/${orders[index]}` }))).length, 1)
})

test('hashing on a capture takes what the route regex caught', async () => {
  const upstream = { algorithm: 'consistent-hashing', hash_on: 'uri_capture', hash_on_uri_capture: 'tenant' }
  const pool = await createPool(kong, {
    upstream,
    morePaths: ['~/cap-route/(?<tenant>[a-z0-9]+)/'],
    targets: [
      [a, 10],
      [b, 10],
      [c, 10],
    ],
  })
  const many = await pool.tally(60, (index) => ({ path: `/cap-route/t${index}/x` }))
  equal(Object.keys(many).length, 3)
  equal(Object.keys(await pool.tally(5, (index) => ({ path: `/cap-route/one/${index}` }))).length, 1)
})

test('a host name resolves from the hosts file, and its name goes on as Host', async () => {
  const pool = await createPool(kong, { targets: [] })
  equal(await pool.admin('POST', `/upstreams/${pool.name}/targets`, { target: `localhost:${a}` }), 201)
  await waitFor(async () => (await pool.send()).status === 200, { what: 'localhost being resolved' })
  equal(JSON.parse((await pool.send()).text).headers.host, `localhost:${a}`)
})

test('a target that does not resolve is a DNS error and gets nothing', async () => {
  const pool = await createPool(kong, { targets: [[a, 10]] })
  const target = 'nowhere.invalid:80'
  equal(await pool.admin('POST', `/upstreams/${pool.name}/targets`, { target }), 201)
  const state = async () => (await pool.health())['80'] === 'DNS_ERROR'
  await waitFor(state, { pollMs: 100, what: 'the name being found missing' })
  deepEqual(await pool.tally(6), { [a]: 6 })
})
