import { deepEqual, equal } from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { freePorts } from '../support/free-port.ts'
import { type KongUnderTest, startKongUnderTest } from '../support/kong-under-test.ts'
import { createPool } from '../support/pool.ts'

let kong: KongUnderTest
let bad: EchoServer
let good: EchoServer
let dead: number

before(async () => {
  kong = await startKongUnderTest()
  bad = await startEchoServer()
  good = await startEchoServer()
  dead = (await freePorts(1))[0]!
})

afterEach(() => bad.behave({}))

after(async () => {
  await kong.close()
  await bad.close()
  await good.close()
})

for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
  test(`a refused connection is tried again: ${method}, body and all`, async () => {
    const pool = await createPool(kong, {
      targets: [
        [dead, 10],
        [good.port, 10],
      ],
      service: { retries: 3 },
    })
    const body = method === 'GET' || method === 'DELETE' ? {} : { body: 'x'.repeat(20_000) }
    deepEqual(await pool.tally(8, () => ({ method, ...body })), { [good.port]: 8 })
    if (body.body) equal(JSON.parse((await pool.send({ method, ...body })).text).bytes, 20_000)
  })
}

test('without retries a refused connection is 502', async () => {
  const pool = await createPool(kong, { targets: [[dead, 10]], service: { retries: 0 } })
  equal((await pool.send()).status, 502)
})

test('the same target may be tried again: every try of a heavy dead one fails', async () => {
  const pool = await createPool(kong, {
    targets: [
      [dead, 1000],
      [good.port, 1],
    ],
    service: { retries: 1 },
  })
  const counts = await pool.tally(10)
  equal((counts['502'] ?? 0) >= 8, true, JSON.stringify(counts))
})

for (const [method, expected] of [
  ['GET', 'is tried again'],
  ['PUT', 'is tried again'],
  ['DELETE', 'is tried again'],
  ['POST', 'is not: 504'],
  ['PATCH', 'is not: 504'],
] as const) {
  test(`after a read timeout ${method} ${expected}`, async () => {
    bad.behave({ hang: true })
    const service = { retries: 2, read_timeout: 200 }
    const pool = await createPool(kong, {
      targets: [
        [bad.port, 10],
        [good.port, 10],
      ],
      service,
    })
    const counts = await pool.tally(4, () => ({ method }))
    deepEqual(counts, expected === 'is tried again' ? { [good.port]: 4 } : { [good.port]: 2, 504: 2 })
  })
}

for (const [method, expected] of [
  ['GET', 'is tried again'],
  ['DELETE', 'is tried again'],
  ['POST', 'is not: 502'],
] as const) {
  test(`when the connection breaks after the request was sent ${method} ${expected}`, async () => {
    bad.behave({ reset: true })
    const pool = await createPool(kong, {
      targets: [
        [bad.port, 10],
        [good.port, 10],
      ],
      service: { retries: 2 },
    })
    const counts = await pool.tally(4, () => ({ method }))
    deepEqual(counts, expected === 'is tried again' ? { [good.port]: 4 } : { [good.port]: 2, 502: 2 })
  })
}

for (const status of [500, 502, 503, 504]) {
  test(`an answer of ${status} is passed on, never tried again`, async () => {
    bad.behave({ status })
    const pool = await createPool(kong, {
      targets: [
        [bad.port, 10],
        [good.port, 10],
      ],
      service: { retries: 5 },
    })
    deepEqual(await pool.tally(6), { [good.port]: 3, [status]: 3 })
  })
}

test('a hanging target without retries is 504 after the read timeout', async () => {
  bad.behave({ hang: true })
  const pool = await createPool(kong, {
    targets: [[bad.port, 10]],
    service: { retries: 0, read_timeout: 200 },
  })
  equal((await pool.send()).status, 504)
})

test('consistent hashing tries the same target again, so a dead one fails its share', async () => {
  const upstream = { algorithm: 'consistent-hashing', hash_on: 'header', hash_on_header: 'spread' }
  const pool = await createPool(kong, {
    upstream,
    targets: [
      [dead, 10],
      [good.port, 10],
    ],
    service: { retries: 5 },
  })
  const counts = await pool.tally(60, (index) => ({ headers: { spread: `v${index}` } }))
  equal((counts['502'] ?? 0) > 10 && (counts[good.port] ?? 0) > 10, true, JSON.stringify(counts))
})

for (const algorithm of ['round-robin', 'least-connections', 'latency']) {
  test(`${algorithm} gets past a dead target without a failure`, async () => {
    const pool = await createPool(kong, {
      upstream: { algorithm },
      targets: [
        [dead, 10],
        [good.port, 10],
      ],
      service: { retries: 5 },
    })
    deepEqual(await pool.tally(20), { [good.port]: 20 })
  })
}
