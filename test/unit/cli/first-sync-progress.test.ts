import { deepEqual, equal } from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { firstSyncLine, showFirstSync } from '../../../operator/cli/first-sync-progress.ts'
import { StatusLine } from '../../../operator/cli/status-line.ts'
import { type FirstSync, firstSyncOf } from '../../../operator/sync/first-sync.ts'
import { type LogFields, silentLogger } from '../../../operator/telemetry/logger.ts'

const terminal = (isTTY: boolean) => {
  const out = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY })
  return { line: new StatusLine(out), printed: () => String(out.read() ?? '') }
}

test('the line tells services done, all of them, and the time left at the speed so far', () => {
  equal(firstSyncLine({ done: 812, total: 2000, tookMs: 3400 }), 'first sync 812/2,000 services, 5 s left')
})

test('no time is guessed while nothing is done', () => {
  equal(firstSyncLine({ done: 0, total: 2000, tookMs: 100 }), 'first sync 0/2,000 services')
})

test('a log line goes above the line that is redrawn', () => {
  const { line, printed } = terminal(true)
  line.show('first sync 1/2')
  line.write('applied\n')
  equal(printed(), '\r\x1b[2Kfirst sync 1/2\r\x1b[2Kapplied\nfirst sync 1/2')
})

test('without a terminal only log lines are printed', () => {
  const { line, printed } = terminal(false)
  line.show('first sync 1/2')
  line.write('applied\n')
  equal(printed(), 'applied\n')
})

test('on a terminal the line is gone once the sync is over', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { line, printed } = terminal(true)
  const steps: (FirstSync | null)[] = [null, { done: 1, total: 2, tookMs: 1000 }, null]
  showFirstSync(() => steps.shift() ?? null, { line, log: silentLogger })
  t.mock.timers.tick(800)
  equal(printed(), '\r\x1b[2Kfirst sync 1/2 services, 1 s left\r\x1b[2K')
})

test('elsewhere the log tells every five seconds', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const told: (LogFields | undefined)[] = []
  const log = { ...silentLogger, info: (_: string, fields?: LogFields) => told.push(fields) }
  const stop = showFirstSync(() => ({ done: 1, total: 2, tookMs: 1000 }), { line: terminal(false).line, log })
  t.mock.timers.tick(10_000)
  stop()
  deepEqual(told, [
    { done: 1, total: 2, secondsLeft: 1 },
    { done: 1, total: 2, secondsLeft: 1 },
  ])
})

test('several Kongs are one sync, which takes as long as the slowest', () => {
  const kong = (progress: FirstSync | null) => ({ firstSync: () => progress })
  const all = [kong({ done: 1, total: 2, tookMs: 5 }), kong(null), kong({ done: 2, total: 4, tookMs: 9 })]
  deepEqual(firstSyncOf(all), { done: 3, total: 6, tookMs: 9 })
  equal(firstSyncOf([kong(null)]), null)
})
