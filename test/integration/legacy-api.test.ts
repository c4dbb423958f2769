// The API of before on a real Redis: its shapes to the byte, what it refuses, and what it does without Redis.
import { deepEqual, equal, match } from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
let redis: TestRedis
before(async () => {
  const started = await Promise.all([startStack(), startRedis({ password: 'p@ss/w:rd' })])
  stack = started[0]
  redis = started[1]
  await stack.startOperator({ redis: { url: redis.url } })
})
afterEach(() => redis.command('FLUSHALL'))
after(async () => {
  await Promise.all([stack.stop(), redis.stop()])
})

const V1 = '/api/v1/mesh'
const V2 = '/api/v1/mesh/v2'
const ask = async (method: string, path: string, body?: unknown) => {
  const json = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const answer = await fetch(`${stack.operator().url}${path}`, {
    method,
    ...(body === undefined ? {} : json),
  })
  return { status: answer.status, text: await answer.text(), type: answer.headers.get('content-type') }
}
const parsed = ({ text }: { text: string }) => JSON.parse(text)

test('enqueue appends one field json and answers its id, with a message below v2', async () => {
  const first = await ask('POST', `${V1}/enqueue`, { topic: 'jobs:eu_1', task: { n: 1, text: 'ä' } })
  equal(first.status, 200)
  match(first.text, /^\{"id":"\d+-\d+"\}$/)
  const second = await ask('POST', `${V2}/enqueue`, { topic: 'jobs:eu_1', task: {} })
  match(second.text, /^\{"id":"\d+-\d+","message":"[^"]+"\}$/)
  deepEqual(await redis.command('XRANGE', 'stream:tasks:jobs:eu_1', '-', '+'), [
    [parsed(first).id, ['json', '{"n":1,"text":"ä"}']],
    [parsed(second).id, ['json', '{}']],
  ])
})

test('workers that come after the first task still get it, in the group default', async () => {
  const { id } = parsed(await ask('POST', `${V1}/enqueue`, { topic: 'jobs', task: { n: 1 } }))
  const read = await redis.command('XREADGROUP', 'GROUP', 'default', 'w', 'STREAMS', 'stream:tasks:jobs', '>')
  deepEqual(read, [['stream:tasks:jobs', [[id, ['json', '{"n":1}']]]]])
})

test('a stream that others made gets no group of ours', async () => {
  await redis.command('XGROUP', 'CREATE', 'stream:tasks:jobs', 'mine', '$', 'MKSTREAM')
  await ask('POST', `${V1}/enqueue`, { topic: 'jobs', task: {} })
  equal(((await redis.command('XINFO', 'GROUPS', 'stream:tasks:jobs')) as unknown[]).length, 1)
})

test('streams of tasks stay near 10,000 entries', async () => {
  for (let at = 0; at < 12_000; at += 500) {
    const adds = Array.from({ length: 500 }, () =>
      redis.command('XADD', 'stream:tasks:jobs', '*', 'json', '{}'),
    )
    await Promise.all(adds)
  }
  await ask('POST', `${V1}/enqueue`, { topic: 'jobs', task: {} })
  const length = (await redis.command('XLEN', 'stream:tasks:jobs')) as number
  equal(length >= 10_000 && length < 10_200, true, `${length}`)
})

test('results are the newest first, as they were written to the digit', async () => {
  const add = (json: string) => redis.command('XADD', 'stream:results:jobs', '*', 'json', json)
  const ids = [
    await add('{"task_id":"1-1","big":12345678901234567890,"one":1.0}'),
    await add('[1, 2]'),
    await add('{"n":3}'),
  ]
  for (const base of [V1, V2]) {
    const all = await ask('GET', `${base}/results?topic=jobs`)
    equal(
      all.text,
      `[{"id":"${ids[2]}","data":{"n":3}},{"id":"${ids[1]}","data":[1, 2]},` +
        `{"id":"${ids[0]}","data":{"task_id":"1-1","big":12345678901234567890,"one":1.0}}]`,
    )
    match(all.type!, /^application\/json/)
    const one = await ask('GET', `${base}/results?topic=jobs&count=1`)
    equal(one.text, `[{"id":"${ids[2]}","data":{"n":3}}]`)
  }
  equal((await ask('GET', `${V1}/results?topic=nothing`)).text, '[]')
})

test('ten results are answered unless more are asked for, at most a hundred', async () => {
  for (let n = 0; n < 120; n++) await redis.command('XADD', 'stream:results:jobs', '*', 'json', `${n}`)
  equal(parsed(await ask('GET', `${V1}/results?topic=jobs`)).length, 10)
  equal(parsed(await ask('GET', `${V1}/results?topic=jobs&count=100`)).length, 100)
})

test('an entry that does not parse comes back as its raw fields', async () => {
  const broken = await redis.command('XADD', 'stream:results:jobs', '*', 'json', '{"n": NaN', 'by', 'w"1')
  const other = await redis.command('XADD', 'stream:results:jobs', '*', 'status', 'done', 'n', '1')
  deepEqual(parsed(await ask('GET', `${V1}/results?topic=jobs`)), [
    { id: other, data: { status: 'done', n: '1' } },
    { id: broken, data: { json: '{"n": NaN', by: 'w"1' } },
  ])
})

test('agents are the keys that live, and health counts them', async () => {
  equal((await ask('GET', `${V1}/agents`)).text, '{"count":0,"agents":[]}')
  const agent = (id: string) => `{"agent_id":"${id}","agent_type":"worker","meta":{"v":1.0}}`
  await redis.command('SET', 'mesh:agent:b', agent('b'), 'EX', '60')
  await redis.command('SET', 'mesh:agent:a', agent('a'), 'EX', '60')
  await redis.command('SET', 'mesh:agents', 'no agent')
  await redis.command('SADD', 'mesh:agent:set', 'no text')
  const bulk = Array.from({ length: 3000 }, (_, n) => redis.command('SET', `other:${n}`, '1'))
  await Promise.all(bulk)
  const expected = `{"count":2,"agents":[${agent('a')},${agent('b')}]}`
  for (const base of [V1, V2]) equal((await ask('GET', `${base}/agents`)).text, expected)
  const health = await ask('GET', `${V1}/health`)
  equal(health.status, 200)
  equal(health.text, '{"status":"ok","redis":true,"agents_count":2}')
  await redis.command('PEXPIRE', 'mesh:agent:a', '1')
  await waitFor(async () => parsed(await ask('GET', `${V1}/agents`)).count === 1, {
    what: 'the agent expiring',
  })
})

const REFUSED: [what: string, method: string, path: string, body: unknown, field: string][] = [
  ['no topic', 'POST', '/enqueue', { task: {} }, 'topic'],
  ['no task', 'POST', '/enqueue', { topic: 'a' }, 'task'],
  ['a list as task', 'POST', '/enqueue', { topic: 'a', task: [] }, 'task'],
  ['null as task', 'POST', '/enqueue', { topic: 'a', task: null }, 'task'],
  ['a text as task', 'POST', '/enqueue', { topic: 'a', task: 'x' }, 'task'],
  ['capitals in the topic', 'POST', '/enqueue', { topic: 'A', task: {} }, 'topic'],
  ['an empty topic', 'POST', '/enqueue', { topic: '', task: {} }, 'topic'],
  ['a long topic', 'POST', '/enqueue', { topic: 'a'.repeat(65), task: {} }, 'topic'],
  ['a line end in the topic', 'POST', '/enqueue', { topic: 'a\n', task: {} }, 'topic'],
  ['a number as topic', 'POST', '/enqueue', { topic: 1, task: {} }, 'topic'],
  ['an unknown field', 'POST', '/enqueue', { topic: 'a', task: {}, priority: 1 }, 'priority'],
  ['a list as body', 'POST', '/enqueue', [], 'body'],
  ['results without topic', 'GET', '/results', undefined, 'topic'],
  ['a count of 0', 'GET', '/results?topic=a&count=0', undefined, 'count'],
  ['a count of 101', 'GET', '/results?topic=a&count=101', undefined, 'count'],
  ['a negative count', 'GET', '/results?topic=a&count=-1', undefined, 'count'],
  ['a count that is none', 'GET', '/results?topic=a&count=ten', undefined, 'count'],
  ['two topics', 'GET', '/results?topic=a&topic=b', undefined, 'topic'],
  ['an unknown parameter', 'GET', '/results?topic=a&limit=1', undefined, 'limit'],
  ['a parameter of agents', 'GET', '/agents?x=1', undefined, 'x'],
]
for (const [what, method, path, body, field] of REFUSED) {
  test(`${what} is refused, naming the field, and writes nothing`, async () => {
    for (const base of [V1, V2]) {
      const answer = await ask(method, `${base}${path}`, body)
      equal(answer.status, 422, answer.text)
      const { error, detail } = parsed(answer)
      equal(error.code, 'invalid')
      equal(detail, error.message)
      equal(error.details[0].field, field)
    }
    equal(await redis.command('DBSIZE'), 0)
  })
}

test('a task nested too deep is refused, one nested deep is not', async () => {
  const nested = (depth: number) => `{"topic":"a","task":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`
  const post = (body: string) =>
    fetch(`${stack.operator().url}${V1}/enqueue`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
  equal((await post(nested(150))).status, 200)
  equal((await post(nested(1000))).status, 422)
  equal((await post(nested(100_000))).status, 422)
  equal((await post('{"topic":"a","task":{"__proto__":{"x":1}}}')).status, 400)
})

test('without Redis the old paths answer 503 and name REDIS_URL; the rest is as ever', async () => {
  await stack.stopOperator()
  await stack.startOperator()
  for (const [method, path, body] of [
    ['POST', `${V1}/enqueue`, { topic: 'a', task: {} }],
    ['GET', `${V2}/results?topic=a`, undefined],
    ['GET', `${V1}/agents`, undefined],
    ['GET', `${V1}/health`, undefined],
    ['GET', `${V2}/migrations`, undefined],
  ] as const) {
    const answer = await ask(method, path, body)
    equal(answer.status, 503)
    match(parsed(answer).detail, /REDIS_URL/)
    equal(parsed(answer).error.code, 'unavailable')
  }
  equal((await ask('GET', '/readyz')).status, 200)
  await stack.stopOperator()
  await stack.startOperator({ redis: { url: redis.url } })
})
