import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { withBreakerMode } from '../../../operator/core/breaker-mode.ts'

const textOf = (before: string | null, mode: string): string => {
  const set = withBreakerMode(before, mode)
  ok(set.ok)
  return set.text
}

test('a service without document gets one', () => {
  equal(textOf(null, 'forced_open'), '{"circuitBreaker":{"mode":"forced_open"}}')
  equal(textOf('  \n', 'auto'), '{"circuitBreaker":{"mode":"auto"}}')
})

test('JSON keeps its other fields and its indentation', () => {
  const before = '{\n  "retries": 1,\n  "circuitBreaker": {\n    "openSeconds": 5\n  }\n}\n'
  const after = textOf(before, 'forced_closed')
  deepEqual(JSON.parse(after), { retries: 1, circuitBreaker: { openSeconds: 5, mode: 'forced_closed' } })
  match(after, /^\{\n {2}"retries": 1,\n[\s\S]*\}\n$/)
  equal(textOf('{"retries":1}', 'auto'), '{"retries":1,"circuitBreaker":{"mode":"auto"}}')
})

test('YAML keeps its comments and its order', () => {
  const before = '# ours\nretries: 1 # one\ncircuitBreaker: { openSeconds: 5 }\n'
  equal(
    textOf(before, 'forced_open'),
    '# ours\nretries: 1 # one\ncircuitBreaker: { openSeconds: 5, mode: forced_open }\n',
  )
  match(textOf('# nothing yet\n', 'auto'), /# nothing yet[\s\S]*mode: auto/)
  match(textOf('{retries: 1}', 'auto'), /retries: 1[\s\S]*mode: auto/)
})

test('the same mode again is the same text', () => {
  for (const before of ['{"circuitBreaker":{"mode":"auto"}}', 'circuitBreaker:\n  mode: auto\n']) {
    equal(textOf(before, 'auto'), before)
  }
})

test('a document that does not validate is refused with its errors', () => {
  const set = withBreakerMode('{"retrys": 1}', 'auto')
  ok(!set.ok)
  match(set.errors.join(), /retrys/)
})
