import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Hold } from '../../../operator/core/hold-memory.ts'
import { GuardBook } from '../../../operator/sync/guard-book.ts'
import type { ReleasedHolds } from '../../../operator/sync/holds.ts'
import { silentLogger } from '../../../operator/telemetry/logger.ts'

const hold: Hold = { kind: 'critical', service: 'web', target: '10.0.0.1:80', sinceMs: 1, untilMs: 2 }

test('an acceptance that the watch of KV brings back before the write is answered is heeded once, by its caller', async () => {
  let held: readonly Hold[] = [hold]
  const releases: string[] = []
  const book: GuardBook = new GuardBook({
    writer: {
      write: async () => true,
      force: async (key, text) => book.setRows(new Map([[key, { text: text!, index: 2 }]])),
      close: () => {},
    },
    log: silentLogger,
    mesh: 'default',
    isActive: () => true,
    holds: () => held,
    release: (service, why): ReleasedHolds[] => {
      releases.push(why)
      const released = held.map((each) => ({ kind: each.kind, service: each.service, targets: 1 }))
      held = []
      return service === null || service === 'web' ? released : []
    },
  })
  book.setRows(new Map())
  deepEqual(await book.accept('web', 'ann'), [{ kind: 'critical', service: 'web', targets: 1 }])
  equal(releases.length, 1)
})
