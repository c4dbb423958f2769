import { rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { CanaryEntries } from '../../../operator/sync/canary-entries.ts'

test('an entry that somebody else wrote meanwhile is not taken for the canary’s own', async () => {
  const entries = new CanaryEntries(
    {
      entry: async () => ({
        Kind: 'service-splitter',
        Name: 'web',
        Splits: [{ Weight: 100 }],
        ModifyIndex: 9,
      }),
    },
    { write: async () => false, remove: async () => false, close: () => {} },
  )
  const conflict = { statusCode: 409, message: /was written by somebody else meanwhile/ }
  await rejects(entries.createDefaults('web'), conflict)
  await rejects(entries.createSplitter('web', 'v2'), conflict)
})
