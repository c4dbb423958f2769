// Redis that is down, hangs, comes back, speaks TLS: what the old paths answer, and that nothing else minds.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
let redis: TestRedis
before(async () => {
  const started = await Promise.all([startStack(), startRedis()])
  stack = started[0]
  redis = started[1]
})
after(async () => {
  await Promise.all([stack.stop(), redis.stop()])
})

const V1 = '/api/v1/mesh'
const ask = async (path: string, body?: unknown) => {
  const json = {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  }
  const answer = await fetch(`${stack.operator().url}${path}`, {
    ...(body === undefined ? {} : json),
    signal: AbortSignal.timeout(30_000),
  })
  const text = await answer.text()
  return { status: answer.status, text, body: JSON.parse(text) }
}
const enqueue = () => ask(`${V1}/enqueue`, { topic: 'jobs', task: { n: 1 } })
const answersAgain = () => waitFor(async () => (await enqueue()).status === 200, { what: 'Redis answering' })
const restMinds = async () => {
  const [ready, status] = await Promise.all([ask('/readyz'), ask('/api/v1/mesh/v2/status')])
  return [ready.status, status.status]
}

test('an operator starts without its Redis, and uses it as soon as it is there', async () => {
  await redis.kill()
  await stack.startOperator({ redis: { url: redis.url } })
  const down = await enqueue()
  equal(down.status, 503)
  match(down.body.detail, /Redis is down/)
  equal(down.body.error.code, 'unavailable')
  const health = await ask(`${V1}/health`)
  equal(health.status, 503)
  equal(health.text, '{"status":"degraded","redis":false,"agents_count":0}')
  deepEqual(await restMinds(), [200, 200])
  await redis.start()
  await answersAgain()
})

test('what is asked while Redis is down fails and is never done later', async () => {
  await redis.kill()
  const asked = await Promise.all(Array.from({ length: 200 }, enqueue))
  ok(asked.every(({ status }) => status === 503))
  deepEqual(await restMinds(), [200, 200])
  await redis.start()
  await waitFor(async () => (await ask(`${V1}/health`)).status === 200, { what: 'Redis answering' })
  equal(await redis.command('XLEN', 'stream:tasks:jobs'), 0)
  equal((await enqueue()).status, 200)
})

test('a Redis that hangs is no answer, and its connection is made anew', async () => {
  redis.pause()
  try {
    const hung = await enqueue()
    equal(hung.status, 503)
    match(hung.body.detail, /did not answer EVAL within 2000 ms/)
    deepEqual(await restMinds(), [200, 200])
    equal((await enqueue()).status, 503)
  } finally {
    redis.resume()
  }
  await answersAgain()
})

test('a refusal of Redis is told', async () => {
  await redis.command('SET', 'stream:results:text', 'no stream')
  const refused = await ask(`${V1}/results?topic=text`)
  equal(refused.status, 503)
  match(refused.body.detail, /WRONGTYPE/)
})

test('a wrong password is told, without the password', async () => {
  await stack.stopOperator()
  const guarded = await startRedis({ password: 'right' })
  try {
    await stack.startOperator({ redis: { url: guarded.url.replace('right', 'wrong-secret') } })
    const answer = await enqueue()
    equal(answer.status, 503)
    match(answer.body.detail, /WRONGPASS|NOAUTH|invalid/i)
    ok(!answer.text.includes('wrong-secret'))
  } finally {
    await guarded.stop()
    await stack.stopOperator()
  }
})

test('rediss:// is TLS, with the CA that is given; without it the certificate is refused', async () => {
  const file = (name: string) => join(import.meta.dirname, '..', 'fixtures', 'tls', name)
  const secure = await startRedis({
    tls: { cert: file('inner.pem'), key: file('inner.key'), ca: file('ca.pem') },
  })
  try {
    await stack.startOperator({ redis: { url: secure.url } })
    const refused = await enqueue()
    equal(refused.status, 503)
    match(refused.body.detail, /certificate/)
    await stack.stopOperator()
    await stack.startOperator({
      redis: { url: secure.url, tls: { ca: readFileSync(file('ca.pem'), 'utf8') } },
    })
    await answersAgain()
    equal(await secure.command('XLEN', 'stream:tasks:jobs'), 1)
  } finally {
    await secure.stop()
    await stack.stopOperator()
  }
})
