// Topics that move from the queue into the mesh and back under a client of the old API that knows nothing of it.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { parseStatus } from '../../operator/core/settings-status.ts'
import { runKongsul } from '../support/kongsul-process.ts'
import { LegacyClient, startLegacyWorker } from '../support/legacy-client.ts'
import { parseMetrics, sumOf } from '../support/metrics.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait-for.ts'

interface Call {
  readonly url: string
  readonly headers: http.IncomingHttpHeaders
  readonly body: { readonly task_id: string; readonly payload: { n: number }; readonly priority: unknown }
}

let stack: Stack
let redis: TestRedis
let client: LegacyClient
const calls: Call[] = []
let answer = (call: Call) => ({ status: 200, body: JSON.stringify({ n: call.body.payload.n }) })
const service = http.createServer((request, response) => {
  let text = ''
  request.on('data', (chunk) => (text += chunk))
  request.on('end', () => {
    const call = { url: request.url ?? '', headers: request.headers, body: JSON.parse(text) }
    calls.push(call)
    const { status, body } = answer(call)
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  })
})

// A connection that ends while the gateway sends over it is an answer that never comes, and no business of these tests.
service.keepAliveTimeout = 0

before(async () => {
  const started = await Promise.all([startStack(), startRedis()])
  stack = started[0]
  redis = started[1]
  await new Promise<void>((done) => service.listen(0, '127.0.0.1', done))
  await stack.startOperator({ redis: { url: redis.url } })
  client = new LegacyClient(stack.operator().url)
  const { port } = service.address() as AddressInfo
  await stack.consul.register({ Name: 'worker', ID: 'worker-1', Address: '127.0.0.1', Port: port })
  const routed = async () => (await fetch(`${stack.proxyUrl}/worker/`, { method: 'POST', body: '{}' })).ok
  answer = () => ({ status: 200, body: '{}' })
  await waitFor(routed, { what: 'the route of worker' })
  reset()
})
after(async () => {
  await Promise.all([stack.stop(), redis.stop()])
  service.closeAllConnections()
  service.close()
})

function reset(): void {
  calls.length = 0
  answer = (call) => ({ status: 200, body: JSON.stringify({ n: call.body.payload.n }) })
}

const api = async (method: string, path: string, body?: unknown) => {
  const json = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const response = await fetch(`${stack.operator().url}/api/v1/mesh/v2${path}`, {
    method,
    ...(body === undefined ? {} : json),
  })
  // biome-ignore lint/suspicious/noExplicitAny: tests read any field
  return { status: response.status, body: (await response.json()) as any }
}
const set = async (topic: string, body: object) => {
  const done = await api('PUT', `/migrations/${topic}`, body)
  equal(done.status, 200, JSON.stringify(done.body))
}
const modeOf = async (topic: string) => (await api('GET', `/migrations/${topic}`)).body.mode as string
const counted = async (topic: string, result: string) => {
  const text = await (await fetch(`${stack.operator().url}/metrics`)).text()
  return sumOf(parseMetrics(text), 'mesh_migration_tasks_total', { topic, result })
}

test('a document in KV switches a topic at run time; mirror calls beside the queue and keeps its answers out', async () => {
  reset()
  await stack.consul.setKey('mesh/migration/mirrored', {
    mode: 'mirror',
    service: 'worker',
    path: '/work?x=1',
  })
  await waitFor(async () => (await modeOf('mirrored')) === 'mirror', { what: 'the mirror' })
  const id = await client.enqueue('mirrored', { n: 1, priority: 7 }, { 'x-trace-id': 'a'.repeat(32) })
  await waitFor(() => calls.length === 1, { what: 'the mirrored call' })
  const { url, headers, body } = calls[0]!
  equal(url, '/work?x=1')
  equal(headers['x-mesh-mirror'], 'true')
  equal(headers['x-trace-id'], 'a'.repeat(32))
  deepEqual(body, { task_id: id, payload: { n: 1, priority: 7 }, priority: 7 })
  await waitFor(async () => (await counted('mirrored', 'mirrored')) === 1, { what: 'it being counted' })
  equal(await redis.command('XLEN', 'stream:tasks:mirrored'), 1)
  equal(await redis.command('EXISTS', 'stream:results:mirrored', 'stream:dead:mirrored'), 0)
})

test('mesh calls only, and old readers find the answer by the id of enqueue', async () => {
  reset()
  await set('meshed', { mode: 'mesh', service: 'worker' })
  const trace = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }
  const id = await client.enqueue('meshed', { n: 5 }, trace)
  match(id, /^\d+-\d+$/)
  const found = await waitFor(
    async () => (await client.results('meshed')).find((each) => each.data['task_id'] === id),
    {
      what: 'the result',
    },
  )
  deepEqual(found, { id, data: { task_id: id, n: 5 } })
  equal(calls[0]!.url, '/process')
  equal(calls[0]!.headers['x-mesh-mirror'], undefined)
  match(String(calls[0]!.headers.traceparent), /^00-a{32}-/)
  equal(await redis.command('EXISTS', 'stream:tasks:meshed'), 0)
  equal(await redis.command('XLEN', 'stream:calls:meshed'), 0)
})

test('a call that fails goes to the dead letters with its task, and is replayed from there', async () => {
  reset()
  answer = () => ({ status: 500, body: 'no' })
  await set('failing', { mode: 'mesh', service: 'worker' })
  const id = await client.enqueue('failing', { n: 9 })
  const dead = () => api('GET', '/migrations/failing/dead')
  await waitFor(async () => (await dead()).body.total === 1, { what: 'the dead letter' })
  const { data } = (await dead()).body.dead[0]
  deepEqual([data.task_id, data.payload, data.status], [id, { n: 9 }, 500])
  deepEqual(await client.results('failing'), [])

  answer = (call) => ({ status: 200, body: JSON.stringify({ n: call.body.payload.n }) })
  const both = await Promise.all([
    api('POST', '/migrations/failing/dead/replay', {}),
    api('POST', '/migrations/failing/dead/replay', {}),
  ])
  equal(both.flatMap(({ body }) => body.replayed).length, 1)
  await waitFor(async () => (await client.results('failing')).length === 1, { what: 'the result' })
  equal((await dead()).body.total, 0)
  equal(calls.length, 2)
})

const PER_STEP = 60
const PATIENTLY = { deadlineMs: 60_000 }

test('queue -> mirror -> mesh -> queue under load loses no task and does none twice', async () => {
  reset()
  const topic = 'orders:eu_1'
  const workers = await Promise.all([
    startLegacyWorker(redis, topic, { name: 'w1' }),
    startLegacyWorker(redis, topic, { name: 'w2' }),
  ])
  const enqueued = new Map<number, string>()
  let isOn = true
  let n = 0
  /** Far below what a stream keeps, however long a switch takes. */
  let allowed = PER_STEP
  const load = async () => {
    while (isOn) {
      await waitFor(() => n < allowed || !isOn, { ...PATIENTLY, what: 'the next step' })
      const mine = n++
      enqueued.set(mine, await client.enqueue(topic, { n: mine }))
    }
  }
  const loads = [load(), load(), load(), load()]
  const ready = () => enqueued.size >= PER_STEP / 2
  await waitFor(ready, { ...PATIENTLY, what: 'tasks before the first switch' })
  for (const mode of ['mirror', 'mesh', 'queue', 'mesh', 'mirror', 'queue']) {
    await set(topic, { mode, service: 'worker', force: true })
    allowed = n + PER_STEP
    const most = n + PER_STEP / 2
    await waitFor(() => enqueued.size >= most, { ...PATIENTLY, what: `tasks in mode ${mode}` })
  }
  isOn = false
  await Promise.all(loads)

  const meshCalls = () => calls.filter(({ headers }) => headers['x-mesh-mirror'] === undefined)
  const worked = () => [
    ...workers.flatMap(({ done }) => done),
    ...meshCalls().map(({ body }) => body.task_id),
  ]
  await waitFor(() => worked().length >= enqueued.size, { ...PATIENTLY, what: 'every task' })
  for (const worker of workers) await worker.stop()
  deepEqual(worked().sort(), [...enqueued.values()].sort())
  equal(new Set(enqueued.values()).size, enqueued.size)
  ok(meshCalls().length > 0 && workers.every(({ done }) => done.length > 0))

  const entries = async (stream: string) =>
    (await redis.command('XRANGE', `stream:${stream}:${topic}`, '-', '+')) as [string, string[]][]
  const resultIds = async () =>
    (await entries('results')).map(([, [, json]]) => JSON.parse(json!).task_id as string).sort()
  const isOver = async () => (await resultIds()).length + (await entries('dead')).length >= enqueued.size
  await waitFor(isOver, { ...PATIENTLY, what: 'every answer' })
  deepEqual(await entries('dead'), [])
  deepEqual(await resultIds(), [...enqueued.values()].sort())
})

test('what was accepted in mode mesh is still called when the topic is back in the queue, also by the next operator', async () => {
  reset()
  await set('held', { mode: 'mesh', service: 'worker' })
  await stack.stopOperator()
  const plan = { service: 'worker', path: '/process', timeoutMs: 5000, headers: {} }
  await redis.command('SADD', 'mesh:migration:topics', 'held')
  await redis.command('XADD', 'stream:calls:held', '*', 'json', '{"n":3}', 'plan', JSON.stringify(plan))
  await stack.consul.setKey('mesh/migration/held', { mode: 'queue' })
  await stack.startOperator({ redis: { url: redis.url } })
  client = new LegacyClient(stack.operator().url)
  await waitFor(async () => (await client.results('held')).length === 1, { what: 'the result' })
  equal(calls.length, 1)
})

test('a document that does not validate is refused whole, told in KV, and the last good one stays after a restart', async () => {
  await set('kept', { mode: 'mirror', service: 'worker', timeout: 3 })
  await stack.consul.setKey('mesh/migration/kept', { mode: 'mesh', service: 'worker', timeout: 5000 })
  const told = async () => {
    const rows = (await stack.consul.request('GET', '/kv/mesh/status/migration/kept')) as { Value: string }[]
    return parseStatus(Buffer.from(rows[0]!.Value, 'base64').toString())
  }
  const status = await waitFor(told, { what: 'the status' })
  match(status.errors.join(), /timeout must be 1 to 300 seconds/)
  for (const restarts of [false, true]) {
    if (restarts) {
      await stack.stopOperator()
      await stack.startOperator({ redis: { url: redis.url } })
      client = new LegacyClient(stack.operator().url)
    }
    const { body } = await api('GET', '/migrations/kept')
    deepEqual([body.mode, body.timeout], ['mirror', 3])
    match(body.errors.join(), /timeout/)
  }
  await stack.consul.setKey('mesh/migration/kept', { mode: 'queue' })
  await waitFor(async () => (await modeOf('kept')) === 'queue', { what: 'the good document' })
  await waitFor(async () => !(await told().then(Boolean, () => false)), { what: 'the status being gone' })
})

test('kongsul migrate refuses mesh while tasks wait or the service is unknown, unless forced', async () => {
  reset()
  const env = { KONGSUL_ADDR: stack.operator().url }
  const migrate = (...args: string[]) => runKongsul(['migrate', ...args], env)
  await client.enqueue('cli', { n: 1 })
  const pending = await migrate('set', 'cli', '--mode', 'mesh', '--service', 'worker')
  equal(pending.code, 1)
  match(pending.stderr, /0 tasks pending, 1 not taken yet/)
  await redis.command('XREADGROUP', 'GROUP', 'default', 'w', 'STREAMS', 'stream:tasks:cli', '>')
  match((await migrate('set', 'cli', '--mode', 'mesh', '--service', 'worker')).stderr, /1 tasks pending/)
  match(
    (await migrate('set', 'other', '--mode', 'mesh', '--service', 'nobody')).stderr,
    /nobody is not in the catalog/,
  )
  equal(await modeOf('cli'), 'queue')
  const forced = await migrate(
    'set',
    'cli',
    '--mode',
    'mesh',
    '--service',
    'worker',
    '--timeout',
    '5',
    '--force',
  )
  equal(forced.code, 0, forced.stderr)
  const { stdout } = await migrate('status', '-o', 'json')
  const row = JSON.parse(stdout).migrations.find((each: { topic: string }) => each.topic === 'cli')
  deepEqual(
    [row.mode, row.service, row.path, row.timeout, row.pending, row.lag],
    ['mesh', 'worker', '/process', 5, 1, 0],
  )

  const letter = JSON.stringify({ n: 8 })
  await redis.command('XADD', 'stream:dead:cli', '*', 'json', letter)
  await redis.command('XADD', 'stream:dead:cli', '*', 'reason', 'no task')
  match((await migrate('dead', 'list', 'cli')).stdout, /\{"n":8\}\n2 of 2 dead letters\./)
  const replayed = await migrate('dead', 'replay', 'cli')
  match(replayed.stdout, /is left alone[\s\S]*1 task started again/)
  await waitFor(() => calls.some(({ body }) => body.payload.n === 8), { what: 'the replayed call' })
})

test('what a migration may not be is a 422 that names the field', async () => {
  for (const [body, field] of [
    [{ mode: 'fast' }, 'mode'],
    [{ mode: 'mirror' }, 'service'],
    [{ mode: 'queue', path: '//evil' }, 'path'],
    [{ mode: 'queue', path: '/a/%2e%2E/b' }, 'path'],
    [{ mode: 'queue', timeout: 0 }, 'timeout'],
    [{ mode: 'queue', extra: 1 }, 'extra'],
  ] as const) {
    const refused = await api('PUT', '/migrations/fresh', body)
    equal(refused.status, 422)
    equal(refused.body.error.details[0].field, field)
  }
  equal((await api('PUT', '/migrations/NO', { mode: 'queue' })).status, 422)
})
