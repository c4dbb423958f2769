import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { editDocument, type SettingChange } from '../../../operator/core/edit-document.ts'

const edited = (before: string | null, ...changes: SettingChange[]): string => {
  const set = editDocument('service', before, changes)
  ok(set.ok, JSON.stringify(set))
  return set.text
}
const textOf = (before: string | null, mode: string): string =>
  edited(before, { path: 'circuitBreaker.mode', value: mode })

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
  const set = editDocument('service', '{"retrys": 1}', [{ path: 'retries', value: 2 }])
  ok(!set.ok && set.what === 'before')
  match(set.errors.join(), /retrys/)
})

test('a value that does not validate is refused, and whose fault it is is told', () => {
  const set = editDocument('service', '{"retries": 1}', [{ path: 'retries', value: -1 }])
  ok(!set.ok && set.what === 'after')
  match(set.errors.join(), /^retries must be/)
})

test('null takes a setting out, and the section that is empty then; in YAML with comments kept', () => {
  equal(
    edited('{"retries":1,"tracing":{"samplingRate":0.5}}', { path: 'tracing.samplingRate', value: null }),
    '{"retries":1}',
  )
  const yaml = '# ours\ntracing:\n  samplingRate: 0.5 # half\n  enabled: true\n'
  equal(edited(yaml, { path: 'tracing.samplingRate', value: null }), '# ours\ntracing:\n  enabled: true\n')
  equal(edited('{"retries":1}', { path: 'tracing.samplingRate', value: null }), '{"retries":1}')
})

test('a switch becomes an object when a field of it is set', () => {
  const change = { path: 'healthChecks.active.intervalSeconds', value: 3 }
  const after = { healthChecks: { active: { intervalSeconds: 3 } } }
  deepEqual(JSON.parse(edited('{"healthChecks":{"active":true}}', change)), after)
  match(edited('healthChecks:\n  active: true\n', change), /active:\n +intervalSeconds: 3/)
})

test('changes are made knowing what the document says', () => {
  const set = editDocument('service', '{"retries":1}', (layer) => [
    { path: 'retries', value: (layer.get('retries') as number) + 1 },
  ])
  deepEqual(set, { ok: true, text: '{"retries":2}' })
})

test('whatever is changed, the other fields of JSON and YAML stay', () => {
  const numbers = fc.record({
    retries: fc.integer({ min: 0, max: 9 }),
    timeouts: fc.record({ readMs: fc.integer({ min: 1, max: 9 }), writeMs: fc.integer({ min: 1, max: 9 }) }),
  })
  fc.assert(
    fc.property(numbers, fc.integer({ min: 1, max: 9 }), fc.boolean(), (document, readMs, isYaml) => {
      const before = isYaml
        ? `retries: ${document.retries}\ntimeouts: { readMs: ${document.timeouts.readMs}, writeMs: ${document.timeouts.writeMs} }\n`
        : JSON.stringify(document)
      const read = editDocument(
        'service',
        edited(before, { path: 'timeouts.readMs', value: readMs }),
        (layer) => {
          deepEqual(
            [layer.get('retries'), layer.get('timeouts.readMs'), layer.get('timeouts.writeMs')],
            [document.retries, readMs, document.timeouts.writeMs],
          )
          return []
        },
      )
      ok(read.ok)
    }),
  )
})
