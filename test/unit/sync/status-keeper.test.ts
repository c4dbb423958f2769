import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { Refusal } from '../../../operator/core/settings.ts'
import type { KvWrite } from '../../../operator/core/settings-status.ts'
import { StatusKeeper } from '../../../operator/sync/status-keeper.ts'
import { silentLogger } from '../../../operator/telemetry/logger.ts'

const refused = (error: string): ReadonlyMap<string, Refusal> =>
  new Map([['mesh/services/web', { errors: [error], lastGood: null }]])

/** A keeper beside somebody who takes away at once what it writes, up to `most` times. */
function besideARival(most: number) {
  const written: KvWrite[] = []
  const keeper = new StatusKeeper({
    log: silentLogger,
    isActive: () => true,
    writer: {
      write: async (write) => {
        written.push(write)
        if (written.length < most) setImmediate(() => keeper.setRows(new Map()))
        return true
      },
      force: async () => {},
      close: () => {},
    },
  })
  return { keeper, written }
}
const settle = async () => {
  for (let turn = 0; turn < 50; turn++) await new Promise((done) => setImmediate(done))
}

test('what somebody else takes away is written again at the next resync, not at once', async () => {
  const { keeper, written } = besideARival(10)
  keeper.setRefused(refused('bad'))
  await settle()
  deepEqual(written.length, 1)
  keeper.review()
  await settle()
  deepEqual(written.length, 2)
})

test('another error is written at once', async () => {
  const { keeper, written } = besideARival(10)
  keeper.setRefused(refused('bad'))
  await settle()
  keeper.setRefused(refused('worse'))
  await settle()
  deepEqual(written.length, 2)
})
