import { deepEqual, equal, match } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseStatus, type SettingsStatus } from '../../operator/core/settings-status.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
before(async () => {
  stack = await startStack()
  await stack.startOperator()
  await stack.consul.register({
    Name: 'web',
    ID: 'web-1',
    Address: '127.0.0.1',
    Port: 9001,
    Check: { TTL: '600s', Status: 'passing' },
  })
})
after(() => stack.stop())

const retriesInKong = async () => (await stack.admin('GET', '/services/mesh.web')).body.retries as number
const statusInKv = async (): Promise<SettingsStatus | null> => {
  const rows = (await stack.consul.request('GET', '/kv/mesh/status/web').catch(() => null)) as
    | { Value: string }[]
    | null
  return rows === null ? null : parseStatus(Buffer.from(rows[0]!.Value, 'base64').toString())
}

test('a refused document is told in KV, survives a restart as its last good one, and is forgotten when good', async () => {
  await stack.consul.setKey('mesh/services/web', { retries: 7 })
  await waitFor(async () => (await retriesInKong()) === 7, { what: 'seven retries' })
  equal(await statusInKv(), null)

  await stack.consul.setKey('mesh/services/web', { retries: 'many' })
  const status = await waitFor(statusInKv, { what: 'the status in KV' })
  match(status.errors.join(), /retries/)
  deepEqual(JSON.parse(status.lastGood!), { retries: 7 })

  await stack.stopOperator()
  await stack.startOperator()
  await stack.settled()
  equal(await retriesInKong(), 7)
  equal((await statusInKv())?.since, status.since)
  match(JSON.stringify(stack.operator().status().problems), /SETTING_INVALID.*the last good document stays/)

  await stack.consul.setKey('mesh/services/web', { retries: 2 })
  await waitFor(async () => (await retriesInKong()) === 2, { what: 'two retries' })
  await waitFor(async () => (await statusInKv()) === null, { what: 'the status being gone' })
})
