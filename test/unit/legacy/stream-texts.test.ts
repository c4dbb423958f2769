// Texts of entries, calls and answers: nothing is lost on the way, whatever they hold.
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Counter, Registry } from 'prom-client'
import { createMigrationCounter } from '../../../operator/legacy/migration-counter.ts'
import { behind } from '../../../operator/legacy/migration-status.ts'
import { entriesJson, idAfter, isJson } from '../../../operator/legacy/stream-entry.ts'
import { callBody, deadJson, deadTask, resultJson } from '../../../operator/legacy/task-call.ts'
import { traceHeaders } from '../../../operator/legacy/trace-headers.ts'

const object = fc.dictionary(fc.string(), fc.jsonValue())
const fields = fc.dictionary(fc.string(), fc.string()).filter((each) => !Object.hasOwn(each, '__proto__'))

test('entries are answered as what they hold, or as their raw fields', () => {
  fc.assert(
    fc.property(fc.array(fields), (rows) => {
      const entries = rows.map((row, at) => ({ id: `${at}-0`, fields: new Map(Object.entries(row)) }))
      const expected = rows.map((row, at) => ({
        id: `${at}-0`,
        data: row['json'] !== undefined && isJson(row['json']) ? JSON.parse(row['json']) : row,
      }))
      equal(JSON.stringify(JSON.parse(entriesJson(entries))), JSON.stringify(expected))
    }),
  )
})

test('a call carries the task whole, and its priority', () => {
  fc.assert(
    fc.property(object, (task) => {
      const body = JSON.parse(callBody({ id: '1-0', topic: 'a', text: JSON.stringify(task) }))
      equal(JSON.stringify(body.payload), JSON.stringify(task))
      equal(body.task_id, '1-0')
    }),
  )
  equal(JSON.parse(callBody({ id: '1-0', topic: 'a', text: '{"priority":"high"}' })).priority, 'high')
  equal(JSON.parse(callBody({ id: '1-0', topic: 'a', text: '{"priority":[]}' })).priority, 0)
})

test('every answer becomes an object with a task_id, and one that has its own keeps it', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (answer) => {
      const data = JSON.parse(resultJson('1-0', answer))
      equal(Object.hasOwn(data, 'task_id'), true)
    }),
  )
  const cases: [answer: string, data: unknown][] = [
    ['{}', { task_id: '1-0' }],
    [' { "a": 1.0 } ', { task_id: '1-0', a: 1 }],
    ['{"task_id":"mine"}', { task_id: 'mine' }],
    ['[1]', { task_id: '1-0', result: [1] }],
    ['null', { task_id: '1-0', result: null }],
    ['done', { task_id: '1-0', result: 'done' }],
    ['', { task_id: '1-0', result: '' }],
  ]
  for (const [answer, data] of cases) deepEqual(JSON.parse(resultJson('1-0', answer)), data)
})

test('the task of a dead letter is the one that failed', () => {
  fc.assert(
    fc.property(object, (value) => {
      const text = JSON.stringify(value)
      const letter = deadJson({ id: '1-0', topic: 'a', text }, null, { error: 'x', status: null }, 'now')
      equal(deadTask(letter), text)
    }),
  )
  equal(deadTask('{"n":1}'), '{"n":1}')
  for (const none of ['', 'text', '[1]', 'null', '7']) equal(deadTask(none), null)
})

test('the id after another is the next one', () => {
  equal(idAfter('5-9'), '5-10')
  equal(idAfter('5-18446744073709551614'), '5-18446744073709551615')
})

test('only headers of traces go on, and none that came twice', () => {
  const headers = {
    traceparent: 'a',
    'x-trace-id': 'b',
    cookie: 'c',
    authorization: 'd',
    baggage: ['e', 'f'],
  }
  deepEqual(traceHeaders(headers), { traceparent: 'a', 'x-trace-id': 'b' })
})

test('a topic that no group reads is behind by all it holds', () => {
  deepEqual(behind([], 7), { pending: 0, lag: 7 })
  const row = { group: 'g', consumers: 1, pending: 2, lag: 3 }
  deepEqual(behind([row, row], 7), { pending: 4, lag: 6 })
})

test('clients cannot make more series than a bounded number, and migrated topics keep theirs', async () => {
  const labelNames = ['topic', 'mode', 'result']
  const counter = new Counter({ name: 'c', help: 'c', labelNames, registers: [new Registry()] })
  const count = createMigrationCounter(counter, (topic) => topic.startsWith('m'))
  for (let n = 0; n < 5000; n++) count(`x${n}`, 'queue', 'queued')
  count('m1', 'mesh', 'accepted')
  const { values } = await counter.get()
  equal(values.length, 52)
  equal(
    values.some(({ labels }) => labels['topic'] === 'm1'),
    true,
  )
  equal(
    values.reduce((sum, { value }) => sum + value, 0),
    5001,
  )
})
