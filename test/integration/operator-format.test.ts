// What a newer version has written is left alone by this one, until somebody says that it is gone.
import { deepEqual, equal, match } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startOperator } from '../../operator/sync/operator.ts'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
before(async () => {
  stack = await startStack()
  await stack.consul.register({ Name: 'format', ID: 'format-1', Address: '127.0.0.1', Port: 9001 })
})
after(() => stack.stop())

test('KV tells a newer format: nothing is written, and it says so; with that gone it goes on and tells its own', async () => {
  await stack.consul.setKey('mesh/format', { format: 99, kongsul: '99.0.0' })
  const operator = await startOperator(stack.config(), { log: silentLogger })
  try {
    await waitFor(() => operator.status().leading, { what: 'the operator leading' })
    await waitFor(() => operator.status().services.some(({ service }) => service === 'format'), {
      what: 'a decision',
    })
    match(operator.status().reasons[0]!, /^FORMAT_NEWER/)
    equal((await fetch(`${operator.url}/readyz`)).status, 503)
    deepEqual(await stack.weights('format'), {})
    await stack.consul.deleteKey('mesh/format')
    await waitFor(async () => Object.keys(await stack.weights('format')).length === 1, {
      what: 'it going on',
    })
    const isTold = async () =>
      ((await (await fetch(`${stack.consul.url}/v1/kv/mesh/format?raw`)).json()) as { format: number })
        .format === 1
    await waitFor(isTold, { what: 'its own format in KV' })
    await waitFor(() => operator.status().ready, { what: 'being ready' })

    await stack.admin('PATCH', '/upstreams/format.mesh', {
      tags: ['managed-by:kongsul', 'kongsul.mesh:default', 'kongsul.service:format', 'kongsul.format:2'],
      algorithm: 'least-connections',
    })
    await operator.resync()
    const told = () => operator.status().problems.filter(({ code }) => code === 'FORMAT_NEWER').length
    await waitFor(() => told() === 1, { what: 'the newer format being told once' })
    deepEqual(operator.status().overrides, [])
    await stack.consul.deregister('format-1')
    const isTaken = async () => (await stack.admin('GET', '/services/mesh.format')).status === 404
    await waitFor(isTaken, { what: 'the rest of the service being removed' })
    equal((await stack.admin('GET', '/upstreams/format.mesh')).body.algorithm, 'least-connections')
  } finally {
    await operator.stop()
  }
})
