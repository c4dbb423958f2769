import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callersInWords } from '../../../operator/dashboard/model/callers.ts'

const row = { service: 'api', lets: 'only', callers: ['web'], enforced: true, note: '' } as const

test('whom a service lets in is said in words, and that it is so at the gateway only', () => {
  assert.deepEqual(callersInWords(row), {
    level: 'ok',
    text: 'Only web',
    note: 'enforced at the gateway only',
  })
  assert.equal(callersInWords({ ...row, callers: [] }).text, 'Nobody')
  assert.equal(
    callersInWords({ ...row, lets: 'except', callers: ['web', 'db'] }).text,
    'Everybody but web, db',
  )
  assert.equal(callersInWords(undefined).text, 'Everybody')
})

test('what is not enforced is a warning with its reason', () => {
  const loose = callersInWords({ ...row, lets: 'except', enforced: false, note: 'NOT enforced: why' })
  assert.deepEqual(loose, {
    level: 'warn',
    text: 'Everybody but web: not enforced',
    note: 'NOT enforced: why',
  })
})

test('a long list of callers is cut', () => {
  const callers = Array.from({ length: 20 }, (_, at) => `s${at}`)
  assert.match(callersInWords({ ...row, callers }).text, /^Only s0, .*s7 and 12 more$/)
})
