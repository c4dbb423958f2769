// Tasks in Redis that operators share: one that ends in the middle of a call, one that is only slow, one that is held up.
import { deepEqual, equal } from 'node:assert/strict'
import { stat } from 'node:fs'
import { after, afterEach, before, test } from 'node:test'
import { Counter, Registry } from 'prom-client'
import type { CallService } from '../../operator/legacy/call-service.ts'
import { addCall, replayAsCall } from '../../operator/legacy/call-store.ts'
import { MeshCalls } from '../../operator/legacy/mesh-calls.ts'
import { createMigrationCounter } from '../../operator/legacy/migration-counter.ts'
import { addTask, replayAsTask } from '../../operator/legacy/queue-store.ts'
import { RedisConnection } from '../../operator/legacy/redis-connection.ts'
import { silentLogger as log } from '../../operator/telemetry/logger.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait-for.ts'

let redis: TestRedis
let connection: RedisConnection
const running: MeshCalls[] = []
before(async () => {
  redis = await startRedis()
  connection = new RedisConnection({ redis: { url: redis.url }, log })
})
afterEach(async () => {
  for (const calls of running.splice(0)) await calls.stop()
  await redis.command('FLUSHALL')
})
after(async () => {
  connection.stop()
  await redis.stop()
})

const PLAN = { service: 'worker', path: '/process', timeoutMs: 20_000, headers: {} }
const labelNames = ['topic', 'mode', 'result']
const count = createMigrationCounter(
  new Counter({ name: 'c', help: 'c', labelNames, registers: [new Registry()] }),
  () => true,
)

function startOperator(consumer: string, callService: CallService, silentMs = 400): MeshCalls {
  const { run } = connection
  const calls = new MeshCalls({ run, callService, count, log, consumer, silentMs, reviewMs: silentMs / 4 })
  running.push(calls)
  calls.start()
  return calls
}
const resultsOf = async (topic: string) => {
  const entries = (await redis.command('XRANGE', `stream:results:${topic}`, '-', '+')) as [string, string[]][]
  return entries.map(([, [, json]]) => JSON.parse(json!))
}
const ok = (by: string) => ({ status: 200, body: JSON.stringify({ by }) })

test('what an operator that died had taken is called by another one', async () => {
  const id = await addCall(connection.run, 'jobs', '{"n":1}', PLAN)
  let taken = 0
  const dying = startOperator('a', async () => {
    taken++
    return await new Promise<never>(() => {})
  })
  await waitFor(() => taken === 1, { what: 'the first call' })
  await dying.stop()
  startOperator('b', async () => ok('b'))
  await waitFor(async () => (await resultsOf('jobs')).length === 1, { what: 'the result' })
  deepEqual(await resultsOf('jobs'), [{ task_id: id, by: 'b' }])
})

test('a call that takes long is not made again while its operator lives', async () => {
  await addCall(connection.run, 'jobs', '{"n":1}', PLAN)
  let release = () => {}
  const called: string[] = []
  const service =
    (by: string): CallService =>
    async () => {
      called.push(by)
      await new Promise<void>((done) => (release = done))
      return ok(by)
    }
  startOperator('a', service('a'), 1000)
  await waitFor(() => called.length === 1, { what: 'the call' })
  let reviews = 0
  const other = startOperator('b', service('b'), 1000)
  await waitFor(
    async () => {
      await other.review()
      return ++reviews > 100
    },
    { what: 'a hundred reviews', pollMs: 30 },
  )
  deepEqual(called, ['a'])
  release()
  await waitFor(async () => (await resultsOf('jobs')).length === 1, { what: 'the result' })
})

test('an answer that two operators got is kept once', async () => {
  await addCall(connection.run, 'jobs', '{"n":1}', PLAN)
  const releases: (() => void)[] = []
  const service =
    (by: string): CallService =>
    async () => {
      await new Promise<void>((done) => releases.push(done))
      return ok(by)
    }
  // Frozen: it does not say that it still has the task, and goes on later.
  const frozen = new MeshCalls({
    ...{ run: connection.run, callService: service('a'), count, log, consumer: 'a' },
    ...{ silentMs: 400, reviewMs: 3_600_000 },
  })
  running.push(frozen)
  frozen.start()
  await waitFor(() => releases.length === 1, { what: 'the first call' })
  startOperator('b', service('b'))
  await waitFor(() => releases.length === 2, { what: 'the second call' })
  for (const release of releases) release()
  await waitFor(async () => (await redis.command('XLEN', 'stream:calls:jobs')) === 0, { what: 'the end' })
  equal((await resultsOf('jobs')).length, 1)
})

test('answers that come in another order than their tasks all reach the results', async () => {
  const ids = [
    await addCall(connection.run, 'jobs', '{"n":1}', PLAN),
    await addCall(connection.run, 'jobs', '{"n":2}', PLAN),
  ]
  let first = () => {}
  startOperator('a', async (_, { body }) => {
    if (body.includes('"n":1')) await new Promise<void>((done) => (first = done))
    return ok('a')
  })
  await waitFor(async () => (await resultsOf('jobs')).length === 1, { what: 'the second answer' })
  first()
  await waitFor(async () => (await resultsOf('jobs')).length === 2, { what: 'the first answer' })
  deepEqual(
    (await resultsOf('jobs')).map(({ task_id }) => task_id),
    [ids[1], ids[0]],
  )
})

test('as many tasks wait as the old streams held; the next one is not taken', async () => {
  for (let at = 0; at < 10_000; at += 1000) {
    await Promise.all(Array.from({ length: 1000 }, () => addCall(connection.run, 'full', '{}', PLAN)))
  }
  equal(await addCall(connection.run, 'full', '{}', PLAN), null)
  equal(await redis.command('XLEN', 'stream:calls:full'), 10_000)
})

test('tasks of one millisecond have ids of their own, on whichever side of a switch', async () => {
  const { run } = connection
  const dead = await Promise.all(
    Array.from({ length: 100 }, () => redis.command('XADD', 'stream:dead:jobs', '*', 'json', '{}')),
  )
  const ids = await Promise.all(
    dead.flatMap((id, at) => [
      addTask(run, 'jobs', '{}'),
      addCall(run, 'jobs', '{}', PLAN),
      at % 2 === 0
        ? replayAsTask(run, 'jobs', String(id), '{}')
        : replayAsCall(run, 'jobs', String(id), '{}', PLAN),
    ]),
  )
  equal(new Set(ids).size, 300)
})

test('ids go on from the stream that is ahead of the clock', async () => {
  const { run } = connection
  const ahead = Date.now() + 3_600_000
  await redis.command('XADD', 'stream:tasks:jobs', `${ahead}-5`, 'json', '{}')
  equal(await addCall(run, 'jobs', '{}', PLAN), `${ahead}-6`)
  equal(await addTask(run, 'jobs', '{}'), `${ahead}-7`)
  equal(await addTask(run, 'jobs', '{}'), `${ahead}-8`)
  equal(await addCall(run, 'jobs', '{}', PLAN), `${ahead}-9`)
})

test('an answer that came while the operator itself was held up is an answer', async () => {
  const quick = new RedisConnection({ redis: { url: redis.url }, log, answerLimitMs: 1_000 })
  try {
    await quick.run('PING')
    redis.pause()
    const asked = quick.run('PING')
    // Held up while sockets are read, which is just before timers run: the answer is there, and was not read.
    stat('/', () => {
      redis.resume()
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_100)
    })
    equal(await asked, 'PONG')
  } finally {
    redis.resume()
    quick.stop()
  }
})
