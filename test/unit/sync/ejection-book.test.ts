import { deepEqual, equal } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Ejection } from '../../../operator/core/ejections.ts'
import { EjectionBook } from '../../../operator/sync/ejection-book.ts'
import { silentLogger } from '../../../operator/telemetry/logger.ts'

/** A book over a KV of its own. */
function open(context: TestContext, isShared: boolean) {
  const kv = new Map<string, string>()
  const book = new EjectionBook({
    writer: {
      force: async (key, text) => void (text === null ? kv.delete(key) : kv.set(key, text)),
      write: async ({ key, text }) => (text === null ? kv.delete(key) : kv.set(key, text) !== undefined),
      close: () => {},
    },
    log: silentLogger,
    isActive: () => true,
    graceMs: () => 1000,
    isShared: () => isShared,
    onChange: () => {},
  })
  context.after(() => book.stop())
  const owners = () => book.list().map(({ owner }) => owner)
  return { book, kv, owners }
}
const until = (ms: number) => Date.now() + ms
const by = (owner: string, untilMs: number): Ejection => ({
  ...{ upstream: 'web.mesh', target: '10.0.0.1:80', sinceMs: null, reason: '', owner, untilMs },
})

test('without a database the end of one node’s ejection leaves that of another as it was', async (context) => {
  const { book, kv, owners } = open(context, false)
  const long = by('node-a', until(60_000))
  equal(await book.eject(long), null)
  equal(await book.eject(by('node-b', until(5_000))), null)
  deepEqual(owners(), ['node-a', 'node-b'])
  equal(book.get('web.mesh', '10.0.0.1:80')?.untilMs, long.untilMs)
  await book.release('web.mesh', '10.0.0.1:80', 'node-b')
  deepEqual(owners(), ['node-a'])
  equal(kv.size, 1)
  await book.release('web.mesh', '10.0.0.1:80', 'node-a')
  deepEqual([owners(), kv.size], [[], 0])
})

test('a record that an older version left under the target alone ends with its node’s', async (context) => {
  const { book, kv, owners } = open(context, false)
  const old = by('node-a', until(60_000))
  const text = JSON.stringify({ until: old.untilMs, owner: 'node-a' })
  kv.set('mesh/ejections/web.mesh/10.0.0.1:80', text)
  book.setRows(new Map([['mesh/ejections/web.mesh/10.0.0.1:80', { text, index: 1 }]]))
  await book.eject({ ...old, untilMs: old.untilMs + 1 })
  await book.release('web.mesh', '10.0.0.1:80', 'node-a')
  deepEqual([owners(), kv.size], [[], 0])
})

test('an ejection that was written elsewhere a moment ago ends as well', async (context) => {
  const { book, kv, owners } = open(context, false)
  kv.set('mesh/ejections/web.mesh/10.0.0.1:80/node-a', '{}')
  await book.eject(by('node-b', until(60_000)))
  await book.release('web.mesh', '10.0.0.1:80', 'node-a')
  deepEqual([owners(), kv.size], [['node-b'], 1])
})

test('where nodes share a database the one that ejected first has the target', async (context) => {
  const { book, owners } = open(context, true)
  const first = by('node-a', until(60_000))
  await book.eject(first)
  equal((await book.eject(by('node-b', until(90_000))))?.owner, 'node-a')
  await book.release('web.mesh', '10.0.0.1:80', 'node-b')
  deepEqual(owners(), ['node-a'])
  await book.release('web.mesh', '10.0.0.1:80', null)
  deepEqual(owners(), [])
})
