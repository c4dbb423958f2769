// A person gives a field back while the operator is about to write the same entity for another reason.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ChaosProxy, startChaosProxy } from '../support/chaos-proxy.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
let proxy: ChaosProxy
/** Called for each write on its way to Kong. */
let hold: (body: string) => Promise<void> = async () => {}

before(async () => {
  stack = await startStack()
  proxy = await startChaosProxy({
    targetUrl: stack.adminUrl,
    chaosOf: () => ({ what: 'none' }),
    around: async ({ method, body }, forward) => {
      if (method === 'PATCH') await hold(body)
      return await forward()
    },
  })
  await stack.startOperator({ kong: { adminUrl: proxy.url } })
})
after(async () => {
  await stack.stop()
  await proxy.close()
})

test('a field given back stays so when the operator was writing the entity at that moment', async () => {
  const path = '/services/mesh.web'
  await stack.consul.register({ Name: 'web', ID: 'web', Address: '10.0.0.1', Port: 80 })
  await waitFor(async () => (await stack.admin('GET', path)).status === 200, { what: 'web in Kong' })
  await stack.settled()
  await stack.admin('PATCH', path, { connect_timeout: 3001 })
  await stack.operator().resync()
  const tagged = async () =>
    (await stack.admin('GET', path)).body.tags.includes('kongsul.override:connect_timeout')
  await waitFor(tagged, { what: 'the edit being tagged' })
  await stack.settled()

  let isHeld = false
  let hasReleased = false
  hold = async (body) => {
    if (!body.includes('read_timeout":8000')) {
      hasReleased = true
      return
    }
    isHeld = true
    // Until the other write is there, or nobody is coming since it waits for this one.
    await waitFor(() => hasReleased, { deadlineMs: 500 }).catch(() => {})
  }
  await stack.consul.setKey('mesh/services/web', { timeouts: { readMs: 8000 } })
  await waitFor(() => isHeld, { what: 'the operator about to write' })
  const url = `${stack.operator().url}/api/v1/mesh/v2/overrides/mesh.web?field=connect_timeout`
  assert.equal((await fetch(url, { method: 'DELETE' })).status, 200)
  await stack.settled()
  await stack.operator().resync()
  const fields = async () => (await stack.admin('GET', path)).body
  await waitFor(async () => (await fields()).read_timeout === 8000, { what: 'what Consul says' })
  await waitFor(async () => (await fields()).connect_timeout === 1000, { what: 'the field given back' })
})
