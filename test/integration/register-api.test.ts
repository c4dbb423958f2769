// Registrations through the API: with real agents, two of them, and two operators.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { join } from '../../operator/client/client.ts'
import { type Operator, startOperator } from '../../operator/sync/operator.ts'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import { type KongRow, type Stack, startStack } from '../support/operator-stack.ts'
import { type SecondAgent, startSecondAgent } from '../support/second-agent.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
let agent: SecondAgent
let second: Operator
before(async () => {
  stack = await startStack()
  await stack.startOperator()
  agent = await startSecondAgent(stack.consul)
  second = await startOperator(
    { ...stack.config(), consul: { url: agent.url }, operator: { id: 'second', advertise: undefined } },
    { log: silentLogger },
  )
  await waitFor(() => second.status().ready || Promise.reject(second.status().reasons))
})
after(async () => {
  await second?.stop()
  await agent?.stop()
  await stack.stop()
})

async function call(
  method: string,
  path: string,
  body?: unknown,
  to: Operator = stack.operator(),
): Promise<{ status: number; body: KongRow; agent: string | null }> {
  const answer = await fetch(`${to.url}/api/v1/mesh/v2${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  return { status: answer.status, body: await answer.json(), agent: answer.headers.get('x-kongsul-agent') }
}
const register = (name: string, port: number, over: object = {}, to?: Operator) =>
  call('POST', '/register', { service_name: name, address: '127.0.0.1', port, ...over }, to)
const TTL = { health_check: { ttl: '600s' } }
const stateOf = async (service: string, to?: Operator) =>
  (await call('GET', `/discover/${service}?use_cache=false`, undefined, to)).body.instances.map(
    (each: { id: string; state: string }) => each.state,
  )
const rowsOf = async (service: string) =>
  (await stack.consul.request('GET', `/health/service/${service}`)) as {
    Node: { Node: string }
    Service: { ID: string; Tags: string[]; Meta: Record<string, string>; Weights: { Passing: number } }
    Checks: { CheckID: string; Status: string }[]
  }[]

test('an instance is registered with the operator’s agent, exposed, and discovered as soon as it is answered', async () => {
  const {
    status,
    body,
    agent: node,
  } = await register('shop-web', 9701, {
    tags: ['blue'],
    metadata: { zone: 'a', limits: { rps: 5 }, canary: true },
    weight: 7,
    ...TTL,
  })
  deepEqual([status, node], [200, 'test-node'])
  deepEqual(body, {
    service_id: 'shop-web-127.0.0.1-9701',
    status: 'registered',
    message: 'registered with the agent of node test-node',
  })
  const [row] = await rowsOf('shop-web')
  deepEqual(row!.Service.Tags, ['blue', 'kongsul.enable=true'])
  const found = (await call('GET', '/discover/shop-web')).body
  deepEqual(found.instances[0].metadata, { zone: 'a', limits: '{"rps":5}', canary: 'true' })
  deepEqual([found.instances[0].weight, found.instances[0].state], [7, 'healthy'])
})

test('a heartbeat says how an instance is, right after it was registered', async () => {
  const { body } = await register('beat', 9702, TTL)
  for (const state of ['degraded', 'unhealthy', 'healthy']) {
    const beat = await call('PUT', `/heartbeat/${body.service_id}`, { status: state, note: 'said' })
    deepEqual([beat.status, beat.body.service_id, beat.body.status], [200, body.service_id, state])
    await waitFor(async () => (await stateOf('beat'))[0] === state, { what: state })
  }
  equal((await call('PUT', `/heartbeat/${body.service_id}`)).status, 200)
})

test('a silent instance turns unhealthy', async () => {
  await register('silent', 9703, { health_check: { ttl: '1s' } })
  await waitFor(async () => (await stateOf('silent'))[0] === 'unhealthy', { what: 'the TTL running out' })
})

test('a deregistered instance is gone from the catalog, and the second time it is 404', async () => {
  const { body } = await register('gone', 9704, TTL)
  const done = await call('DELETE', `/deregister/${body.service_id}`)
  deepEqual([done.status, done.body.status], [200, 'deregistered'])
  deepEqual(await stateOf('gone'), [])
  equal((await call('DELETE', `/deregister/${body.service_id}`)).status, 404)
  equal((await call('PUT', '/heartbeat/nobody-127.0.0.1-1')).status, 404)
})

test('without a health_check Consul asks /health every 10 s, and a heartbeat has nothing to renew', async () => {
  const { body } = await register('plain', 9705)
  const beat = await call('PUT', `/heartbeat/${body.service_id}`)
  equal(beat.status, 409)
  match(beat.body.detail, /no TTL check/)
  const check = (await stack.consul.request('GET', '/agent/checks')) as Record<string, unknown>
  ok(`service:${body.service_id}` in check)
})

test('weight 0 gets no traffic', async () => {
  await register('idle', 9706, { weight: 0, ...TTL })
  await waitFor(async () => (await stack.weights('idle'))['127.0.0.1:9706'] === 0)
  equal((await call('GET', '/discover/idle')).body.instances[0].weight, 0)
})

test('any operator renews and removes what another agent holds', async () => {
  const made = await register('far', 9707, TTL, second)
  equal(made.agent, 'second-node')
  const beat = await call('PUT', `/heartbeat/${made.body.service_id}`, { status: 'degraded' })
  deepEqual([beat.status, beat.agent], [200, 'second-node'])
  await waitFor(async () => (await stateOf('far'))[0] === 'degraded')
  const again = await register('far', 9707, TTL)
  equal(again.agent, 'second-node', 'registered again with the agent that has it')
  const done = await call('DELETE', `/deregister/${made.body.service_id}`)
  deepEqual([done.status, done.agent], [200, 'second-node'])
})

test('a service joins through an operator, which knows of it what it says of itself, until it leaves', async () => {
  const operator = stack.operator().url
  const mesh = await join({ service: 'joined', port: 9710, operator, ttlSeconds: 600, leaveOnExit: false })
  deepEqual([mesh.id, mesh.isRegistered], ['joined-127.0.0.1-9710', true])
  await mesh.status('degraded', 'disk')
  await waitFor(async () => (await stateOf('joined'))[0] === 'degraded')
  await mesh.leave()
  deepEqual(await stateOf('joined'), [])
})

test('a hundred registrations at once all arrive', async () => {
  const ports = Array.from({ length: 100 }, (_, at) => 20_000 + at)
  const done = await Promise.all(ports.map((port) => register('many', port, TTL)))
  ok(done.every(({ status }) => status === 200))
  equal((await stateOf('many')).length, 100)
})

test('where the agent is gone a live heartbeat registers the instance with the next one', async () => {
  const [kept, plain] = [
    await register('moved', 9708, TTL, second),
    await register('fixed', 9709, {}, second),
  ]
  await waitFor(async () => (await stateOf('moved')).length === 1)
  await agent.kill()
  const refused = await call('PUT', `/heartbeat/${plain.body.service_id}`)
  equal(refused.status, 503)
  match(refused.body.detail, /agent of node second-node at http:\/\/127\.0\.0\.2:\d+ does not answer/)
  equal((await call('DELETE', `/deregister/${plain.body.service_id}`)).status, 503)

  const beat = await call('PUT', `/heartbeat/${kept.body.service_id}`)
  deepEqual([beat.status, beat.agent], [200, 'test-node'])
  await waitFor(async () => (await stateOf('moved')).includes('healthy'), { what: 'it being healthy again' })
  // The agent that is gone may be the leader's: then the lead has to pass on first.
  const hasWeight = async () => ((await stack.weights('moved'))['127.0.0.1:9708'] ?? 0) > 0
  await waitFor(hasWeight, { deadlineMs: 60_000, what: 'traffic to it' })
  equal((await call('PUT', `/heartbeat/${kept.body.service_id}`)).agent, 'test-node')
})
