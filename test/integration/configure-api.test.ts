// Settings through the API: into Consul's KV, and from there into Kong.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
before(async () => {
  stack = await startStack()
  await stack.startOperator()
  await stack.consul.register({ Name: 'web', ID: 'web-1', Address: '127.0.0.1', Port: 9801 })
  await waitFor(async () => Object.keys(await stack.weights('web')).length === 1)
  await stack.settled()
})
after(() => stack.stop())

const call: Stack['api'] = (method, path, body) => stack.api(method, path, body)
const kv = async (key: string) => {
  const answer = await fetch(`${stack.consul.url}/v1/kv/${key}?raw`)
  return answer.status === 404 ? null : await answer.text()
}
const algorithm = async () => (await stack.admin('GET', '/upstreams/web.mesh')).body.algorithm

test('a strategy in the query is in KV when it is answered, and in Kong at once', async () => {
  const { status, body } = await call(
    'POST',
    '/configure/load-balancer?strategy=least_connections&service=web',
  )
  equal(status, 200)
  deepEqual(body, { status: 'configured', service: 'web', strategy: 'least_connections', hash_on: null })
  equal(await kv('mesh/services/web'), '{"loadBalancing":{"strategy":"least_connections"}}')
  await waitFor(async () => (await algorithm()) === 'least-connections', { what: 'Kong having it' })
})

test('faults for longer than an hour are refused by name and not written', async () => {
  const before = await kv('mesh/services/web')
  const until = new Date(Date.now() + 7_200_000).toISOString()
  const { status, body } = await call('POST', '/configure/faults', {
    service: 'web',
    abort_percent: 5,
    until,
  })
  equal(status, 422)
  match(JSON.stringify(body), /"until".*at most an hour away when it is written/)
  equal(await kv('mesh/services/web'), before)
})

test('only the named fields are written, in the form that the document has, for all or for one', async () => {
  const yaml = '# of the team\nretries: 1\ncircuitBreaker:\n  openSeconds: 7 # seconds\n'
  await stack.consul.setKey('mesh/services/web', yaml)
  const { body } = await call('POST', '/configure/circuit-breaker', { failure_threshold: 3, service: 'web' })
  deepEqual([body.failure_threshold, body.recovery_timeout, body.mode], [3, 7, 'auto'])
  equal(
    await kv('mesh/services/web'),
    '# of the team\nretries: 1\ncircuitBreaker:\n  openSeconds: 7 # seconds\n  consecutiveFailures: 3\n',
  )
  const all = await call('POST', '/configure/circuit-breaker?recovery_timeout=9')
  deepEqual([all.body.recovery_timeout, all.body.service], [9, undefined])
  const both = await call('POST', '/configure/circuit-breaker', { failure_threshold: 4, service: 'web' })
  equal(both.body.recovery_timeout, 7)
})

test('every kind of configuration is written and answers its effective values', async () => {
  const asked: [path: string, body: object, field: string, value: unknown][] = [
    ['health-check', { active: true, path: '/up' }, 'path', '/up'],
    ['rate-limit', { minute: 60, limit_by: 'ip' }, 'minute', 60],
    ['tracing', { sampling_rate: 0.25 }, 'sampling_rate', 0.25],
    ['routing', { hosts: ['shop.example.com'] }, 'hosts', ['shop.example.com']],
  ]
  for (const [path, body, field, value] of asked) {
    const answer = await call('POST', `/configure/${path}`, { ...body, service: 'kinds' })
    deepEqual([answer.status, answer.body[field]], [200, value], JSON.stringify(answer.body))
  }
  const cleared = await call('POST', '/configure/rate-limit', { minute: null, service: 'kinds' })
  equal(cleared.body.minute, null)
})

test('a bad value is refused with the parameter named, and the old one stays', async () => {
  await stack.consul.setKey('mesh/services/kept', '{"loadBalancing":{"strategy":"random"}}')
  const wrong: [path: string, body: object | undefined, field: string][] = [
    ['/configure/load-balancer?strategy=best&service=kept', undefined, 'strategy'],
    ['/configure/load-balancer?service=kept', undefined, 'body'],
    ['/configure/load-balancer', { strategy: 'random', service: '..' }, 'service'],
    ['/configure/load-balancer', { strategy: 'random', service: 'a/b' }, 'service'],
    ['/configure/load-balancer?strategy=random', { strategy: 'random' }, 'strategy'],
    ['/configure/circuit-breaker', { failure_threshold: 0, service: 'kept' }, 'failure_threshold'],
    ['/configure/circuit-breaker', { recovery_timeout: 'x', service: 'kept' }, 'recovery_timeout'],
    ['/configure/rate-limit', { minutes: 1, service: 'kept' }, 'minutes'],
    ['/configure/routing', { hosts: ['a..b'], service: 'kept' }, 'hosts.0'],
    ['/configure/routing', { hosts: ['shop.example.com'] }, 'hosts'],
    ['/configure/routing', { expose: true }, 'expose'],
  ]
  for (const [path, body, field] of wrong) {
    const answer = await call('POST', path, body)
    deepEqual([answer.status, answer.body.error.details[0].field], [422, field], JSON.stringify(answer.body))
  }
  equal(await kv('mesh/services/kept'), '{"loadBalancing":{"strategy":"random"}}')
  equal(await kv('mesh/services/..'), null)
})

test('a document that does not validate is left to whoever wrote it', async () => {
  await stack.consul.setKey('mesh/services/broken', '{"retrys": 1}')
  const { status, body } = await call('POST', '/configure/load-balancer?strategy=random&service=broken')
  equal(status, 409)
  match(body.detail, /retrys/)
  equal(await kv('mesh/services/broken'), '{"retrys": 1}')
})

test('many who write the same service at once lose none of each other’s fields', async () => {
  const writes: [path: string, body: object][] = [
    ['load-balancer', { strategy: 'random' }],
    ['circuit-breaker', { failure_threshold: 4 }],
    ['circuit-breaker', { recovery_timeout: 44 }],
    ['tracing', { sampling_rate: 0.5 }],
    ['rate-limit', { hour: 9 }],
  ]
  const done = await Promise.all(
    writes.map(([path, body]) => call('POST', `/configure/${path}`, { ...body, service: 'shared' })),
  )
  deepEqual(
    done.map(({ status }) => status),
    writes.map(() => 200),
  )
  deepEqual(JSON.parse((await kv('mesh/services/shared')) ?? ''), {
    loadBalancing: { strategy: 'random' },
    circuitBreaker: { consecutiveFailures: 4, openSeconds: 44 },
    tracing: { samplingRate: 0.5 },
    rateLimit: { hour: 9 },
  })
})

test('GET /configure explains every value by its layer', async () => {
  await call('POST', '/configure/load-balancer?strategy=ip_hash&service=web')
  const strategy = await waitFor(async () => {
    const { body } = await call('GET', '/configure?service=web')
    const found = body.services.web['loadBalancing.strategy']
    return found.value === 'ip_hash' ? found : null
  })
  equal(strategy.source, 'mesh/services/web')
  const { body } = await call('GET', '/configure')
  equal(body.services.web.degraded.source, 'built-in')
  ok('retries' in body.defaults)
  equal((await call('GET', '/configure?service=nobody')).status, 404)
})
