// The three health states of Consul as weights in Kong, end to end; every combination is in test/unit/core.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Mesh } from '../support/mesh.ts'
import { waitFor } from '../support/wait-for.ts'

let mesh: Mesh

before(async () => {
  mesh = await Mesh.start()
  await mesh.startOperator()
})
after(() => mesh.stop())

const ttl = (id: string) => [{ CheckID: `ttl:${id}`, TTL: '10m', Status: 'passing' }]
const tell = (id: string, status: 'passing' | 'warning' | 'critical') =>
  fetch(`${mesh.consul.url}/v1/agent/check/update/ttl:${id}`, {
    method: 'PUT',
    body: JSON.stringify({ Status: status }),
  })

/** Registers instances with TTL checks, so that the test alone says how they are. */
async function deployTold(base: string, count: number): Promise<{ service: string; ids: string[] }> {
  const service = mesh.service(base)
  const ids: string[] = []
  for (let i = 1; i <= count; i++) {
    const { name, port } = await mesh.startInstance(`${service}-${i}`)
    await mesh.register({ id: name, name: service, port, checks: ttl(name) })
    ids.push(name)
  }
  await mesh.waitLive(service)
  await weightsBecome(service, new Array(count).fill(true))
  return { service, ids }
}

/** Waits until exactly the given number of targets has weight and the others have none. */
async function weightsBecome(service: string, routable: boolean[]): Promise<void> {
  const wanted = routable.filter(Boolean).length
  await waitFor(
    async () => {
      const targets = await mesh.targets(service)
      return (
        targets.length === routable.length && targets.filter(({ weight }) => weight > 0).length === wanted
      )
    },
    { what: `${wanted} of ${routable.length} targets of ${service} with weight` },
  )
}

test('a critical instance keeps its target at weight 0 and a passing one gets its weight back', async () => {
  const { service, ids } = await deployTold('critical', 2)
  await tell(ids[0]!, 'critical')
  await weightsBecome(service, [false, true])
  await tell(ids[0]!, 'passing')
  await weightsBecome(service, [true, true])
})

test('a degraded instance has weight only while no instance is healthy', async () => {
  const { service, ids } = await deployTold('degraded', 2)
  await tell(ids[0]!, 'warning')
  await weightsBecome(service, [false, true])
  await tell(ids[1]!, 'critical')
  await weightsBecome(service, [true, false])
})

test('a service whose instances all turn critical keeps its last weights and goes on answering', async () => {
  const { service, ids } = await deployTold('all-critical', 2)
  await tell(ids[0]!, 'critical')
  await weightsBecome(service, [false, true])
  await tell(ids[1]!, 'critical')
  await waitFor(
    async () => {
      const status = (await (await fetch(`${mesh.apiUrl}/api/v1/mesh/v2/status`)).json()) as {
        services: { service: string; keptAtLastWeights: boolean }[]
      }
      return status.services.find((row) => row.service === service)?.keptAtLastWeights
    },
    { what: 'the status to flag it' },
  )
  assert.equal((await mesh.get(service, '/')).status, 200)
  await weightsBecome(service, [false, true])
})

test('maintenance of every instance answers 503, and ends with it', async () => {
  const { service, ids } = await deployTold('maintenance', 2)
  for (const id of ids) await mesh.maintenance(id, true)
  await waitFor(async () => (await mesh.get(service, '/')).status === 503, { what: '503' })
  await mesh.maintenance(ids[0]!, false)
  await waitFor(async () => (await mesh.get(service, '/')).status === 200, { what: '200 again' })
})

test('a service with no instance left is taken off the proxy', async () => {
  const { service, ids } = await deployTold('gone', 1)
  await mesh.deregister(ids[0]!)
  await waitFor(async () => (await mesh.get(service, '/')).status === 404, { what: '404' })
})

test('weights are exact over their sum', async () => {
  const service = mesh.service('weights')
  await mesh.setKv(`mesh/services/${service}`, { loadBalancing: { strategy: 'weighted' } })
  for (const [i, weight] of [1, 2, 5].entries()) {
    const { name, port } = await mesh.startInstance(`${service}-w${weight}`)
    await mesh.register({
      id: name,
      name: service,
      port,
      checks: ttl(`${i}-${name}`),
      weights: { Passing: weight, Warning: 1 },
    })
  }
  await waitFor(
    async () =>
      (await mesh.targets(service))
        .map(({ weight }) => weight)
        .sort()
        .join() === '1,2,5',
    { what: 'the weights in Kong' },
  )
  await mesh.waitLive(service)
  const counts: Record<string, number> = {}
  for (let i = 0; i < 80; i++) {
    const answer = (await (await mesh.get(service, '/')).json()) as { instance: string }
    counts[answer.instance] = (counts[answer.instance] ?? 0) + 1
  }
  assert.deepEqual(counts, { [`${service}-w1`]: 10, [`${service}-w2`]: 20, [`${service}-w5`]: 50 })
})
