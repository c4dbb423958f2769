import { deepEqual } from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { readOperatorStatus } from '../../../operator/cli/operator-client.ts'

const STATUS = {
  ready: true,
  reasons: [],
  totals: {},
  services: [],
  planned: [],
  pending: [],
  failing: [],
  overrides: [],
  problems: [{ code: 'SHRINK_HELD', severity: 'error', service: 'web', message: 'kongsul guard accept web' }],
  held: [],
}

test('status tells what is held although it is gone from Consul, and how to let it go', async () => {
  const server = createServer((_, response) => response.end(JSON.stringify(STATUS)))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const addr = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const config = { addr, operatorToken: undefined }
  const report = await readOperatorStatus(config, () => {})
  server.close()
  const [told] = report!.problems
  deepEqual([told!.code, told!.service, told!.message], ['SHRINK_HELD', 'web', 'kongsul guard accept web'])
})
