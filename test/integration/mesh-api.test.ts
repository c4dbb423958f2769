// Who is there and how it is, asked of an operator with a real Consul and the gateway.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { discoverShape } from '../../operator/api/discover.ts'
import { servicesShape } from '../../operator/api/list-services.ts'
import { meshHealthShape } from '../../operator/api/mesh-health.ts'
import { topologyShape } from '../../operator/api/topology.ts'
import { type KongRow, type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
before(async () => {
  stack = await startStack({ keepData: true })
  await stack.startOperator()
  for (const at of [1, 2]) {
    await stack.consul.register({
      Name: 'web',
      ID: `web-${at}`,
      Address: '127.0.0.1',
      Port: 9600 + at,
      Tags: ['blue'],
      Meta: { zone: 'a' },
      Weights: { Passing: 5, Warning: 1 },
      Check: { TTL: '600s', Status: 'passing' },
    })
  }
  await waitFor(async () => Object.keys(await stack.weights('web')).length === 2)
  await stack.settled()
})
after(() => stack.stop())

async function get(path: string) {
  const answer = await fetch(`${stack.operator().url}/api/v1/mesh/v2${path}`)
  return { status: answer.status, body: (await answer.json()) as KongRow }
}
const discover = async (service: string, query = '') =>
  discoverShape.parse((await get(`/discover/${service}${query}`)).body)

test('a service is discovered with tags, metadata, weight and state', async () => {
  const found = await discover('web')
  deepEqual(found.instances[0], {
    id: 'web-1',
    address: '127.0.0.1:9601',
    state: 'healthy',
    tags: ['blue'],
    metadata: { zone: 'a' },
    weight: 5,
  })
  deepEqual([found.service_name, found.total, found.healthy], ['web', 2, 2])
})

test('a check that changes is seen through the cache', async () => {
  await discover('web')
  await stack.consul.setCheck('service:web-2', 'warn')
  const found = await waitFor(async () => {
    const answer = await discover('web')
    return answer.instances[1]!.state === 'degraded' ? answer : null
  })
  deepEqual([found.cached, found.healthy], [true, 1])
  await stack.consul.setCheck('service:web-2', 'pass')
})

test('use_cache=false reads what Consul says now, and a name that nobody has is no error', async () => {
  await stack.consul.register({ Name: 'fresh', ID: 'fresh-1', Address: '127.0.0.1', Port: 9610 })
  const found = await waitFor(async () => {
    const answer = await discover('fresh', '?use_cache=false')
    return answer.total === 1 ? answer : null
  })
  equal(found.cached, false)
  deepEqual([(await get('/discover/nobody')).status, (await discover('nobody')).instances], [200, []])
})

test('a name with a slash or control characters, another value and another field are refused', async () => {
  for (const path of [
    '/discover/a%2Fb',
    '/discover/a%00b',
    '/discover/web?use_cache=1',
    '/discover/web?cache=true',
  ]) {
    const { status, body } = await get(path)
    equal(status, 422, path)
    equal(body.error.code, 'invalid')
    match(body.error.details[0].field, /^(service|use_cache|cache)$/)
  }
})

test('services, topology and health have their shapes and agree with each other', async () => {
  const services = servicesShape.parse((await get('/services')).body)
  ok(services.services.some((each) => each.service_name === 'web' && each.total === 2 && each.exposed))
  const topology = topologyShape.parse((await get('/topology')).body)
  deepEqual([topology.services['web']!.total, topology.circuit_breakers['web-1']], [2, 'closed'])
  const health = meshHealthShape.parse((await get('/health')).body)
  equal(health.total_instances, topology.total_instances)
  deepEqual([health.status, health.consul_connected, health.kong_connected], ['healthy', true, true])
  ok(health.leader !== null && health.last_sync !== null)
})

test('/metrics is under the prefix too', async () => {
  const answer = await fetch(`${stack.operator().url}/api/v1/mesh/v2/metrics`)
  match(await answer.text(), /mesh_kong_connected/)
})

test('while Consul is away the last answer is told as stale, and the health says so', async () => {
  await discover('web')
  await stack.consul.kill()
  const found = await waitFor(async () => {
    const answer = await discover('web')
    return answer.stale ? answer : null
  })
  equal(found.total, 2)
  equal((await discover('web', '?use_cache=false')).stale, true)
  equal((await get('/discover/never-seen')).status, 503)
  equal(meshHealthShape.parse((await get('/health')).body).consul_connected, false)
})
