// What people hang onto entities of ours survives the end of the service, though the operator last read Kong before.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
before(async () => {
  stack = await startStack()
  await stack.startOperator()
})
after(() => stack.stop())

/** A service with its entities in Kong, deregistered after `work`. */
async function endOf(service: string, work: () => Promise<string>): Promise<string> {
  await stack.consul.register({ Name: service, ID: service, Address: '10.0.0.1', Port: 80 })
  await waitFor(async () => (await stack.admin('GET', `/routes/mesh.${service}.path`)).status === 200, {
    what: `${service} in Kong`,
  })
  await stack.settled()
  const theirs = await work()
  await stack.consul.deregister(service)
  const isTold = () => {
    const { problems, services } = stack.operator().status()
    const isGone = services.every((each) => each.service !== service)
    return isGone && problems.some((each) => each.code === 'ENTITY_IN_USE' && each.service === service)
  }
  await waitFor(isTold, { what: `being told that ${service} is in use` })
  await stack.settled()
  return theirs
}

const create = async (path: string, body: object): Promise<string> => {
  const { status, body: row } = await stack.admin('POST', path, body)
  assert.equal(status, 201)
  return row.id
}
const statusOf = async (path: string) => (await stack.admin('GET', path)).status

test('a target that somebody added to an upstream of ours is not removed with it', async () => {
  const theirs = await endOf('crowded', () =>
    create('/upstreams/crowded.mesh/targets', { target: '10.9.9.9:80' }),
  )
  assert.equal(await statusOf(`/upstreams/crowded.mesh/targets/${theirs}`), 200)
  assert.deepEqual(await stack.weights('crowded'), { '10.9.9.9:80': 100 })
})

test('a plugin that somebody hung onto a service of ours is not removed with it', async () => {
  const theirs = await endOf('plugged', () =>
    create('/services/mesh.plugged/plugins', { name: 'correlation-id' }),
  )
  assert.equal(await statusOf(`/plugins/${theirs}`), 200)
  assert.equal(await statusOf('/routes/mesh.plugged.host'), 404)
})

test('a plugin that somebody hung onto a route of ours is not removed with it', async () => {
  const theirs = await endOf('routed', () =>
    create('/routes/mesh.routed.host/plugins', { name: 'correlation-id' }),
  )
  assert.equal(await statusOf(`/plugins/${theirs}`), 200)
  assert.equal(await statusOf('/routes/mesh.routed.path'), 404)
})
