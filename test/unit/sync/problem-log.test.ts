import { deepEqual } from 'node:assert/strict'
import test from 'node:test'
import type { Problem } from '../../../operator/core/problem.ts'
import { ProblemLog } from '../../../operator/sync/problem-log.ts'
import type { LogFields, Logger } from '../../../operator/telemetry/logger.ts'

const problem = (over: Partial<Problem> = {}): Problem => ({
  code: 'META_INVALID',
  severity: 'warning',
  service: 'web',
  message: 'mesh-retries must be a whole number',
  ...over,
})

function setUp() {
  const told: string[] = []
  const write = (level: string) => (message: string, fields?: LogFields) =>
    void told.push(`${level} ${message}: ${fields?.['code']} ${fields?.['service']}`)
  const log: Logger = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  }
  let problems: readonly Problem[] = []
  const book = new ProblemLog(log, () => problems)
  return {
    told,
    become: (...now: Problem[]) => {
      problems = now
      book.review()
    },
  }
}

test('a problem is told when it appears and when it is gone, and not in between', () => {
  const { told, become } = setUp()
  become(problem())
  become(problem())
  become()
  become()
  deepEqual(told, ['warn a problem: META_INVALID web', 'info a problem is gone: META_INVALID web'])
})

test('a problem that comes back is told again', () => {
  const { told, become } = setUp()
  become(problem())
  become()
  become(problem())
  deepEqual(told.length, 3)
})

test('another fault of the same kind is told, and gone is told when none is left', () => {
  const { told, become } = setUp()
  become(problem({ message: 'one' }))
  become(problem({ message: 'one' }), problem({ message: 'two' }))
  become(problem({ message: 'two' }))
  become()
  deepEqual(told, [
    'warn a problem: META_INVALID web',
    'warn a problem: META_INVALID web',
    'info a problem is gone: META_INVALID web',
  ])
})

test('severities are levels', () => {
  const { told, become } = setUp()
  become(problem({ severity: 'error', code: 'A' }), problem({ severity: 'info', code: 'B', service: '' }))
  deepEqual(told, ['error a problem: A web', 'info a problem: B '])
})
