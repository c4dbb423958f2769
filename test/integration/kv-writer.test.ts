import { deepEqual, equal } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createConsulReader } from '../../operator/consul/consul-reader.ts'
import { createKvWriter } from '../../operator/consul/kv-writer.ts'
import { createMetrics } from '../../operator/telemetry/metrics.ts'
import { startConsul, type TestConsul } from '../support/consul.ts'

const metrics = createMetrics('test')
let consul: TestConsul
before(async () => {
  consul = await startConsul()
})
after(() => consul.stop())

test('of several who write or remove what they have read only the first one does', async () => {
  const [writer, reader] = [createKvWriter(consul, metrics), createConsulReader(consul, metrics)]
  const key = 'mesh/services/a'
  const row = async () => (await reader.keys(key, { stale: false })).body[0]
  const write = (texts: readonly (string | null)[], index: number) =>
    Promise.all(texts.map((text) => writer.write({ key, text, index })))

  deepEqual((await write(['1', '2', '3'], 0)).sort(), [false, false, true])
  const { ModifyIndex } = (await row())!
  deepEqual((await write(['4', '5', null], ModifyIndex)).sort(), [false, false, true])
  await writer.force(key, '6')
  equal(await writer.write({ key, text: null, index: ModifyIndex }), false)
  equal((await row())!.Value, '6')
  writer.close()
  reader.close()
})
