import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import {
  acceptDocuments,
  type KvRows,
  type KvWrite,
  parseStatus,
  planStatusWrites,
  statusKey,
} from '../../../operator/core/settings-status.ts'
import { instance } from './build-mesh.ts'

const WEB = 'mesh/services/web'
const GOOD = '{"retries":7}'
const BAD = '{"retries":"many"}'
const NOW = '2026-01-02T03:04:05.000Z'
const NONE: KvRows = new Map()

const accept = (text: string, rows = NONE) => acceptDocuments(null, new Map([[WEB, text]]), rows)
/** What KV holds after the writes. */
const written = (writes: readonly KvWrite[], before: KvRows = NONE): KvRows => {
  const rows = new Map(before)
  writes.forEach(({ key, text }, at) => {
    if (text === null) rows.delete(key)
    else rows.set(key, { text, index: 100 + at })
  })
  return rows
}
const refusedAfter = (first: string, second: string) =>
  acceptDocuments(accept(first).accepted, new Map([[WEB, second]]), NONE).refused
const retriesOf = ({ accepted }: ReturnType<typeof accept>) =>
  accepted.forService('web', [instance(1)]).settings.retries

test('a document that is refused is told with its errors and the last good text', () => {
  const [write, ...others] = planStatusWrites(refusedAfter(GOOD, BAD), NONE, NOW)
  deepEqual([write!.key, write!.index, others], ['mesh/status/web', 0, []])
  const status = parseStatus(write!.text!)!
  deepEqual(
    { ...status, errors: status.errors.length },
    {
      state: 'refused',
      document: WEB,
      errors: 1,
      since: NOW,
      lastGood: GOOD,
    },
  )
})

test('what is told already is not written again', () => {
  const refused = refusedAfter(GOOD, BAD)
  const rows = written(planStatusWrites(refused, NONE, NOW))
  deepEqual(planStatusWrites(refused, rows, '2030-01-01T00:00:00.000Z'), [])
})

test('another error of the same document keeps the time of the first', () => {
  const rows = written(planStatusWrites(refusedAfter(GOOD, BAD), NONE, NOW))
  const [write] = planStatusWrites(refusedAfter(GOOD, '{"oops":1}'), rows, '2030-01-01T00:00:00.000Z')
  deepEqual([write!.index, parseStatus(write!.text!)!.since], [100, NOW])
})

test('a document that is good again, or deleted, has no status', () => {
  const rows = written(planStatusWrites(refusedAfter(GOOD, BAD), NONE, NOW))
  deepEqual(planStatusWrites(accept(GOOD).refused, rows, NOW), [
    { key: 'mesh/status/web', text: null, index: 100 },
  ])
})

test('what others keep below the prefix is left alone', () => {
  const rows = new Map([['mesh/status/web', { text: 'deployed by hand', index: 7 }]])
  deepEqual(planStatusWrites(new Map(), rows, NOW), [])
})

test('a new operator takes the last good document from KV while the current one does not validate', () => {
  const rows = written(planStatusWrites(refusedAfter(GOOD, BAD), NONE, NOW))
  equal(retriesOf(accept(BAD)), 3)
  equal(retriesOf(accept(BAD, rows)), 7)
  deepEqual(planStatusWrites(accept(BAD, rows).refused, rows, NOW), [])
})

test('the current document wins over what KV remembers as soon as it validates', () => {
  const rows = written(planStatusWrites(refusedAfter(GOOD, BAD), NONE, NOW))
  equal(retriesOf(accept('{"retries":5}', rows)), 5)
})

test('a status that is no status, or whose document does not validate either, changes nothing', () => {
  for (const text of ['', 'null', '[]', '{', '{"state":"refused"}', '"x"']) {
    equal(parseStatus(text), null, text)
    equal(retriesOf(accept(BAD, new Map([['mesh/status/web', { text, index: 1 }]]))), 3)
  }
  const worse = JSON.stringify({
    state: 'refused',
    document: WEB,
    errors: [],
    since: NOW,
    lastGood: '{"a":1}',
  })
  equal(retriesOf(accept(BAD, new Map([['mesh/status/web', { text: worse, index: 1 }]]))), 3)
})

test('a service named "defaults" does not share its status with the mesh', () => {
  deepEqual(['mesh/defaults', 'mesh/services/defaults', WEB].map(statusKey), [
    'mesh/status/defaults',
    'mesh/status/services/defaults',
    'mesh/status/web',
  ])
})
