// What clients see when an instance dies, 200 requests/s open loop over three instances.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Mesh } from '../support/mesh.ts'
import { describeFailures, startTraffic, traceparent } from '../support/traffic.ts'
import { waitFor } from '../support/wait-for.ts'

const STRATEGIES = ['round_robin', 'weighted', 'least_connections', 'ip_hash', 'random'] as const
let mesh: Mesh

before(async () => {
  mesh = await Mesh.start()
  await mesh.startOperator()
})
after(() => mesh.stop())

const trafficTo = (service: string) =>
  startTraffic({
    url: `${mesh.proxyUrl}/`,
    headers: (n) => ({ host: `${service}.mesh`, traceparent: traceparent(n) }),
    perSecond: 200,
  })

for (const strategy of STRATEGIES) {
  test(`an instance killed with SIGKILL fails no request with ${strategy}`, async () => {
    const service = mesh.service(`kill-${strategy.replace('_', '-')}`)
    await mesh.setKv(`mesh/services/${service}`, { loadBalancing: { strategy } })
    const instances = await mesh.deploy(service, 3)
    const traffic = trafficTo(service)
    await waitFor(() => traffic.shots.length >= 100, { what: 'traffic before the crash' })
    // With ip_hash one instance has all of it: that one has to die.
    const victim = instances.find(({ name }) => name === traffic.shots.at(-1)?.instance)
    await victim!.kill('SIGKILL')
    const crashedAt = traffic.shots.length
    await waitFor(() => traffic.shots.length >= crashedAt + 600, { what: 'traffic after the crash' })
    const shots = await traffic.stop()
    assert.deepEqual(describeFailures(shots), [])
    assert.ok(shots.slice(-200).every((shot) => shot.instance !== victim!.name))
  })
}

test('a deregistered instance fails no request', async () => {
  const service = mesh.service('deregister')
  const instances = await mesh.deploy(service, 3)
  const traffic = trafficTo(service)
  await waitFor(() => traffic.shots.length >= 100, { what: 'traffic before' })
  await mesh.deregister(instances[0]!.name)
  await waitFor(async () => (await mesh.targets(service)).length === 2, { what: 'the target to leave Kong' })
  const leftAt = traffic.shots.length
  await waitFor(() => traffic.shots.length >= leftAt + 200, { what: 'traffic after' })
  const shots = await traffic.stop()
  assert.deepEqual(describeFailures(shots), [])
  assert.ok(shots.slice(-100).every((shot) => shot.instance !== instances[0]!.name))
})

test('a restarted operator fails no request', async () => {
  const service = mesh.service('operator-restart')
  await mesh.deploy(service, 3)
  const traffic = trafficTo(service)
  await waitFor(() => traffic.shots.length >= 100, { what: 'traffic before' })
  await mesh.operator.stop('SIGKILL')
  await mesh.startOperator()
  await mesh.operator.stop('SIGTERM')
  await mesh.startOperator()
  const shots = await traffic.stop()
  assert.deepEqual(describeFailures(shots), [])
})

test('a crashed instance that comes back serves again once it passes', async () => {
  const service = mesh.service('comeback')
  const instances = await mesh.deploy(service, 3)
  const traffic = trafficTo(service)
  const { name, port } = instances[1]!
  await waitFor(() => traffic.shots.some((shot) => shot.instance === name), { what: 'traffic to it' })
  await instances[1]!.kill()
  await waitFor(async () => (await mesh.targets(service)).some(({ weight }) => weight === 0), {
    what: 'Consul to call it critical and Kong to follow',
  })
  const deadAt = traffic.shots.length
  await mesh.startInstance(name, port)
  await waitFor(() => traffic.shots.slice(deadAt).some((shot) => shot.instance === name), {
    what: 'the instance to serve again',
  })
  assert.deepEqual(describeFailures(await traffic.stop()), [])
})

test('three instances restarted in place one after another fail no request', async () => {
  const service = mesh.service('rolling')
  // No check falls into the two seconds: one that fails keeps its instance out until the next, and two of them, once in some
  // runs, left nobody when the third went down.
  const instances = await mesh.deploy(service, 3, { checkInterval: '10m' })
  const traffic = trafficTo(service)
  for (const { name, port, kill } of instances) {
    await kill('SIGKILL')
    await delay(2_000) // down for 2 s and 5 s apart: the scenario, not synchronisation
    await mesh.startInstance(name, port)
    await delay(3_000)
  }
  await waitFor(() => new Set(traffic.shots.slice(-100).map((shot) => shot.instance)).size === 3, {
    what: 'all three to serve again',
  })
  assert.deepEqual(describeFailures(await traffic.stop()), [])
})

test('strategies switch at run time without a failed request', async () => {
  const service = mesh.service('switch')
  await mesh.deploy(service, 3)
  const traffic = trafficTo(service)
  for (const [strategy, algorithm] of [
    ['least_connections', 'least-connections'],
    ['ip_hash', 'consistent-hashing'],
    ['weighted', 'round-robin'],
    ['random', 'consistent-hashing'],
    ['round_robin', 'round-robin'],
  ]) {
    await mesh.setKv(`mesh/services/${service}`, { loadBalancing: { strategy } })
    await waitFor(
      async () => {
        const { body } = await mesh.admin('GET', `/upstreams/${service}.mesh`)
        return (
          body.algorithm === algorithm && (strategy !== 'random' || body.hash_on_header === 'traceparent')
        )
      },
      { what: `${strategy} in Kong` },
    )
    const switchedAt = traffic.shots.length
    await waitFor(() => traffic.shots.length >= switchedAt + 100, { what: 'traffic with it' })
  }
  assert.deepEqual(describeFailures(await traffic.stop()), [])
})
