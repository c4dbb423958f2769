import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { Canary } from '../../../operator/core/canary/canary.ts'
import { canaryKey, canaryText } from '../../../operator/core/canary/canary-document.ts'
import type { KvRow, KvWrite } from '../../../operator/core/settings-status.ts'
import { CanaryBook } from '../../../operator/sync/canary-book.ts'
import { silentLogger } from '../../../operator/telemetry/logger.ts'

const KEY = canaryKey('web')
const canary = (phase: Canary['phase']): Canary => ({
  id: 'one',
  plan: {
    service: 'web',
    to: 'v2',
    steps: [5, 100],
    everyMs: 60_000,
    maxErrorRate: 1,
    maxP95Ms: null,
    minRequests: 20,
  },
  by: 'ada',
  startedMs: 1_000,
  before: null,
  phase,
})
const RUNNING = canary({ at: 'running', step: 0, sinceMs: 1_000, over: 7 })
const ended = (sinceMs: number) =>
  canary({
    at: 'ended',
    how: 'rolled_back',
    step: 0,
    sinceMs,
    reason: '30 % of 100 requests failed, 1 % may',
  })

/** A book over a KV that compares and sets. */
function startBook(first: Canary | null) {
  let row: KvRow | null = first === null ? null : { text: canaryText(first), index: 5 }
  const changes: string[] = []
  const book = new CanaryBook({
    writer: {
      write: async ({ text, index }: KvWrite) => {
        if (index !== (row?.index ?? 0)) return false
        row = text === null ? null : { text, index: index + 1 }
        return true
      },
      force: async () => {},
      close: () => {},
    },
    entries: { splitter: async () => ({ index: 9, splits: [{ Weight: 100 }] }) } as never,
    log: silentLogger,
    onChange: ({ phase }) => void changes.push(phase.at),
  })
  /** KV tells what it holds. */
  const tell = () => book.setRows(new Map(row === null ? [] : [[KEY, row]]))
  tell()
  const write = (next: Canary) => {
    row = { text: canaryText(next), index: (row?.index ?? 0) + 1 }
  }
  return { book, changes, tell, write, row: () => row }
}

test('what was written here is shown at once, and nothing goes on before KV has told of it', async () => {
  const { book, changes, tell } = startBook(RUNNING)
  const next: Canary['phase'] = { at: 'running', step: 1, sinceMs: 2_000, over: 9 }
  equal(await book.move(RUNNING, next), true)
  deepEqual([book.get('web')?.phase, book.active().length, changes], [next, 0, ['running']])
  tell()
  deepEqual([book.active().length, changes], [1, ['running']])
})

test('what was decided on a canary that is another one by now is not written', async () => {
  const { book, tell, write, row } = startBook(RUNNING)
  const stale = book.get('web')!
  write({
    ...RUNNING,
    phase: { at: 'ending', how: 'aborted', step: 0, sinceMs: 1, over: 7, reason: 'by ada' },
  })
  const written = row()
  equal(await book.move(stale, { at: 'running', step: 1, sinceMs: 2_000, over: 9 }), false)
  tell()
  equal(await book.move(stale, { at: 'running', step: 1, sinceMs: 2_000, over: 9 }), false)
  equal(row(), written)
})

test('a canary is ended once, and only where there is one', async () => {
  const { book, tell } = startBook(RUNNING)
  equal((await book.end('web', 'aborted', 'by ada')).phase.at, 'ending')
  tell()
  await rejects(book.end('web', 'promoted', ''), /the canary of web is over: aborted: by ada/)
  await rejects(book.end('api', 'aborted', ''), /there is no canary of api/)
})

test('a person who ends a canary in the moment of its step waits for it', async () => {
  const { book, tell } = startBook(RUNNING)
  equal(await book.move(book.get('web')!, { at: 'running', step: 1, sinceMs: 2_000, over: 9 }), true)
  setImmediate(tell)
  const { phase } = await book.end('web', 'aborted', 'by ada')
  deepEqual([phase.at, phase.step], ['ending', 1])
})

test('a canary that was rolled back is a problem for a day, and gone from KV after a week', async () => {
  const day = 24 * 3_600_000
  const { book, row } = startBook(ended(0))
  match(book.problems(day - 1)[0]!.message, /the canary to v2 is rolled back: 30 % of 100 requests failed/)
  deepEqual(book.problems(day), [])
  await book.forgetOld(7 * day - 1)
  equal(row() === null, false)
  await book.forgetOld(7 * day)
  equal(row(), null)
})
