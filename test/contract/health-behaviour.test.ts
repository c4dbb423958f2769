import { deepEqual, equal } from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { freePorts } from '../support/free-port.ts'
import { type KongUnderTest, startKongUnderTest } from '../support/kong-under-test.ts'
import { createPool, type Pool } from '../support/pool.ts'
import { waitFor } from '../support/wait-for.ts'

let kong: KongUnderTest
let one: EchoServer
let two: EchoServer
let dead: number

before(async () => {
  kong = await startKongUnderTest()
  one = await startEchoServer()
  two = await startEchoServer()
  dead = (await freePorts(1))[0]!
})

afterEach(() => one.behave({}))

after(async () => {
  await kong.close()
  await one.close()
  await two.close()
})

const passive = (unhealthy: object, healthy: object = {}) => ({
  healthchecks: { passive: { unhealthy, healthy } },
})
const both = (): [number, number][] => [
  [one.port, 10],
  [two.port, 10],
]

const becomes = (pool: Pool, port: number, state: string) =>
  waitFor(async () => (await pool.health())[port] === state, { pollMs: 20, what: `${port} being ${state}` })

test('targets read HEALTHCHECKS_OFF while no threshold is set', async () => {
  const pool = await createPool(kong, { targets: both() })
  deepEqual(await pool.health(), { [one.port]: 'HEALTHCHECKS_OFF', [two.port]: 'HEALTHCHECKS_OFF' })
})

test('a target of weight 0 reads HEALTHCHECKS_OFF even with a threshold', async () => {
  const pool = await createPool(kong, {
    upstream: passive({ tcp_failures: 1 }),
    targets: [
      [one.port, 10],
      [two.port, 0],
    ],
  })
  deepEqual(await pool.health(), { [one.port]: 'HEALTHY', [two.port]: 'HEALTHCHECKS_OFF' })
})

test('passive checks take a target out after exactly the number of bad answers', async () => {
  const upstream = passive({ http_failures: 3, http_statuses: [500] })
  const pool = await createPool(kong, { upstream, targets: both() })
  one.behave({ status: 500 })
  deepEqual(await pool.tally(20), { 500: 3, [two.port]: 17 })
  await becomes(pool, one.port, 'UNHEALTHY')
})

test('a target that passive checks took out does not come back by itself, only by a mark', async () => {
  const upstream = passive({ http_failures: 1, http_statuses: [500] }, { successes: 1 })
  const pool = await createPool(kong, { upstream, targets: both() })
  one.behave({ status: 500 })
  await pool.tally(4)
  one.behave({})
  deepEqual(await pool.tally(6), { [two.port]: 6 })
  equal(await pool.mark(one.port, 'healthy'), 204)
  await waitFor(async () => (await pool.tally(4))[one.port] === 2, { what: 'the target being back' })
})

test('without a number of successes nothing resets the failures counted so far', async () => {
  const pool = await createPool(kong, {
    upstream: passive({ http_failures: 2, http_statuses: [500] }),
    targets: [[one.port, 10]],
  })
  one.behave({ status: 500 })
  equal((await pool.send()).status, 500)
  one.behave({})
  await pool.tally(3)
  one.behave({ status: 500 })
  equal((await pool.send()).status, 500)
  equal((await pool.send()).status, 503)
})

test('with successes 1 a good answer resets the failures counted so far', async () => {
  const upstream = passive({ http_failures: 2, http_statuses: [500] }, { successes: 1, http_statuses: [200] })
  const pool = await createPool(kong, { upstream, targets: [[one.port, 10]] })
  for (const status of [500, 200, 200, 200, 500, 200]) {
    one.behave({ status })
    equal((await pool.send()).status, status)
  }
  deepEqual(await pool.health(), { [one.port]: 'HEALTHY' })
})

test('a refused connection counts as a tcp failure when it was followed by a retry', async () => {
  const targets: [number, number][] = [
    [dead, 10],
    [two.port, 10],
  ]
  const pool = await createPool(kong, {
    upstream: passive({ tcp_failures: 1 }),
    targets,
    service: { retries: 3 },
  })
  deepEqual(await pool.tally(10), { [two.port]: 10 })
  await becomes(pool, dead, 'UNHEALTHY')
})

test('without retries a refused connection is status 502 to the checks, not a tcp failure', async () => {
  const service = { retries: 0 }
  const tcp = await createPool(kong, {
    upstream: passive({ tcp_failures: 1 }),
    targets: [[dead, 10]],
    service,
  })
  await tcp.tally(3)
  deepEqual(await tcp.health(), { [dead]: 'HEALTHY' })
  const upstream = passive({ http_failures: 1, http_statuses: [502] })
  const http = await createPool(kong, { upstream, targets: [[dead, 10]], service })
  await becomes(http, dead, 'UNHEALTHY')
})

test('a try that times out counts as a timeout', async () => {
  one.behave({ hang: true })
  const service = { retries: 1, read_timeout: 150 }
  const pool = await createPool(kong, { upstream: passive({ timeouts: 2 }), targets: both(), service })
  deepEqual(await pool.tally(8), { [two.port]: 8 })
  await becomes(pool, one.port, 'UNHEALTHY')
})

test('with tcp_failures 1 consistent hashing stops failing on a dead target', async () => {
  const upstream = {
    algorithm: 'consistent-hashing',
    hash_on: 'header',
    hash_on_header: 'spread',
    ...passive({ tcp_failures: 1 }),
  }
  const targets: [number, number][] = [
    [dead, 10],
    [two.port, 10],
  ]
  const pool = await createPool(kong, { upstream, targets, service: { retries: 3 } })
  const spread = (index: number) => ({ headers: { spread: `v${index}` } })
  await pool.tally(20, spread)
  await becomes(pool, dead, 'UNHEALTHY')
  deepEqual(await pool.tally(40, spread), { [two.port]: 40 })
})

test('when all targets are down all are marked, requests are 503, and marks bring them back', async () => {
  const pool = await createPool(kong, {
    upstream: passive({ tcp_failures: 1 }),
    targets: [[dead, 10]],
    service: { retries: 3 },
  })
  await becomes(pool, dead, 'UNHEALTHY')
  equal((await pool.send()).status, 503)
  equal(await pool.mark(dead, 'healthy'), 204)
  await becomes(pool, dead, 'HEALTHY')
})

test('a mark by hand works on the next request', async () => {
  const pool = await createPool(kong, { upstream: passive({ tcp_failures: 1 }), targets: both() })
  equal(await pool.mark(one.port, 'unhealthy'), 204)
  deepEqual(await pool.tally(6), { [two.port]: 6 })
  deepEqual(await pool.health(), { [one.port]: 'UNHEALTHY', [two.port]: 'HEALTHY' })
  equal(await pool.mark(one.port, 'healthy'), 204)
  deepEqual(await pool.tally(6), { [one.port]: 3, [two.port]: 3 })
})

test('a mark by hand needs a threshold on the upstream', async () => {
  const pool = await createPool(kong, { targets: both() })
  const path = `/upstreams/${pool.name}/targets/127.0.0.1:${one.port}/unhealthy`
  const answer = await kong.admin('PUT', path)
  equal(answer.status, 400)
  deepEqual(answer.body, { message: `no healthchecker found for ${pool.name}` })
})

test('a mark stays through a weight change, an edit of the upstream and delete-and-create of the target', async () => {
  const pool = await createPool(kong, { upstream: passive({ tcp_failures: 1 }), targets: both() })
  const target = `/upstreams/${pool.name}/targets/127.0.0.1:${one.port}`
  equal(await pool.mark(one.port, 'unhealthy'), 204)
  equal(await pool.admin('PATCH', target, { weight: 50 }), 200)
  await becomes(pool, one.port, 'UNHEALTHY')
  equal(await pool.admin('PATCH', `/upstreams/${pool.name}`, { slots: 2000 }), 200)
  await becomes(pool, one.port, 'UNHEALTHY')
  deepEqual(await pool.tally(6), { [two.port]: 6 })
  equal(await pool.admin('DELETE', target), 204)
  const again = { target: `127.0.0.1:${one.port}`, weight: 10 }
  equal(await pool.admin('POST', `/upstreams/${pool.name}/targets`, again), 201)
  await becomes(pool, one.port, 'UNHEALTHY')
  deepEqual(await pool.tally(6), { [two.port]: 6 })
})

test('a mark stays when the upstream is deleted and made again under its name', async () => {
  const pool = await createPool(kong, { upstream: passive({ tcp_failures: 1 }), targets: both() })
  equal(await pool.mark(one.port, 'unhealthy'), 204)
  equal(await pool.admin('DELETE', `/upstreams/${pool.name}`), 204)
  equal(await pool.admin('PUT', `/upstreams/${pool.name}`, passive({ tcp_failures: 1 })), 200)
  for (const [port, weight] of both()) {
    equal(
      await pool.admin('POST', `/upstreams/${pool.name}/targets`, { target: `127.0.0.1:${port}`, weight }),
      201,
    )
  }
  await becomes(pool, two.port, 'HEALTHY')
  await becomes(pool, one.port, 'UNHEALTHY')
})

test('editing a target keeps what was counted against it', async () => {
  const pool = await createPool(kong, {
    upstream: passive({ http_failures: 2, http_statuses: [500] }),
    targets: [[one.port, 10]],
  })
  one.behave({ status: 500 })
  equal((await pool.send()).status, 500)
  equal(
    await pool.admin('PATCH', `/upstreams/${pool.name}/targets/127.0.0.1:${one.port}`, { weight: 20 }),
    200,
  )
  await becomes(pool, one.port, 'HEALTHY')
  equal((await pool.send()).status, 500)
  equal((await pool.send()).status, 503)
})

test('active checks take out a target that answers nothing and undo a mark by hand', async () => {
  const upstream = {
    healthchecks: {
      active: {
        healthy: { interval: 0.2, successes: 1 },
        unhealthy: { interval: 0.2, tcp_failures: 1, http_failures: 1, timeouts: 1 },
      },
      passive: { unhealthy: { http_failures: 1, http_statuses: [599] } },
    },
  }
  const pool = await createPool(kong, {
    upstream,
    targets: [
      [dead, 10],
      [two.port, 10],
    ],
  })
  await becomes(pool, dead, 'UNHEALTHY')
  deepEqual(await pool.tally(4), { [two.port]: 4 })
  equal(await pool.mark(two.port, 'unhealthy'), 204)
  await becomes(pool, two.port, 'HEALTHY')
})

test('a mark on an upstream without balancer says so', async () => {
  const name = `fresh-${Date.now()}`
  const answers: unknown[] = []
  equal((await kong.admin('PUT', `/upstreams/${name}`, passive({ tcp_failures: 1 }))).status, 200)
  const target = `127.0.0.1:${one.port}`
  equal((await kong.admin('POST', `/upstreams/${name}/targets`, { target })).status, 201)
  const marked = async () => {
    const answer = await kong.admin('PUT', `/upstreams/${name}/targets/${target}/unhealthy`)
    if (answer.status !== 204) answers.push(answer.body)
    return answer.status === 204
  }
  await waitFor(marked, { pollMs: 5, what: 'the balancer being built' })
  for (const answer of answers) deepEqual(answer, { message: `Upstream ${name} has no balancer` })
})
