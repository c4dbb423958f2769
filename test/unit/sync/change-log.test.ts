import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { Change } from '../../../operator/core/diff.ts'
import type { Entity } from '../../../operator/core/entity.ts'
import { type ChangeEvent, ChangeLog, changedEntity } from '../../../operator/sync/change-log.ts'
import { changedDocuments } from '../../../operator/sync/changed-documents.ts'

const entity = (fields: Entity['fields'], over: Partial<Entity> = {}): Entity => ({
  kind: 'target',
  id: 'id-1',
  name: '10.0.0.1:80',
  owner: 'web',
  parent: 'u',
  fields,
  tags: [],
  ...over,
})
const update = (before: Entity, after: Entity, ...fields: string[]): Change => ({
  action: 'update',
  entity: after,
  before,
  fields,
  service: 'web',
})
const event = (over: Partial<ChangeEvent> = {}): ChangeEvent => ({
  service: 'web',
  reasons: ['check c of web-1 critical'],
  changes: [update(entity({ weight: 100 }), entity({ weight: 0 }), 'weight')],
  tookMs: 12.34,
  atMs: 0,
  error: null,
  node: 'http://kong:8001',
  ...over,
})
const failure = (over: Partial<ChangeEvent> = {}) => event({ error: 'answered 500', changes: [], ...over })

test('a change is told with its time, reason, duration and fields', () => {
  const log = new ChangeLog()
  log.add(event())
  deepEqual(log.list({ limit: 10 }), {
    changes: [
      {
        id: 1,
        time: '1970-01-01T00:00:00.000Z',
        node: 'http://kong:8001',
        service: 'web',
        reason: 'check c of web-1 critical',
        result: 'applied',
        error: null,
        tries: 1,
        duration: 12.3,
        diff: [
          {
            action: 'update',
            kind: 'target',
            id: 'id-1',
            name: '10.0.0.1:80',
            fields: [{ field: 'weight', from: 100, to: 0 }],
          },
        ],
      },
    ],
    total: 1,
  })
})

test('secrets of plugins are masked on both sides', () => {
  const config = (secret: string) =>
    entity({ 'config.secret_word': secret, 'config.limit': 1 }, { kind: 'plugin', name: 'p' })
  const { fields } = changedEntity(
    update(config('hush'), config('hush now'), 'config.limit', 'config.secret_word'),
  )
  deepEqual(fields, [
    { field: 'config.limit', from: 1, to: 1 },
    { field: 'config.secret_word', from: '[redacted]', to: '[redacted]' },
  ])
})

test('a creation tells the fields that have a value, a removal none', () => {
  const fields = ['weight', 'x']
  const created = { action: 'create', before: null, fields, service: 'web' } as const
  deepEqual(changedEntity({ ...created, entity: entity({ weight: 5, x: null }) }).fields, [
    { field: 'weight', from: null, to: 5 },
  ])
  const removed = entity({ weight: 5 })
  deepEqual(
    changedEntity({ action: 'delete', entity: removed, before: removed, fields: [], service: 'web' }).fields,
    [],
  )
})

test('the newest come first, and no more than the limit', () => {
  const log = new ChangeLog()
  for (const service of ['a', 'b', 'c']) log.add(event({ service }))
  const { changes, total } = log.list({ limit: 2 })
  deepEqual([changes.map(({ service }) => service), total], [['c', 'b'], 3])
})

test('one service can be asked for', () => {
  const log = new ChangeLog()
  for (const service of ['a', 'b', 'a']) log.add(event({ service }))
  const { changes, total } = log.list({ service: 'a', limit: 100 })
  deepEqual([changes.map(({ id }) => id), total], [[3, 1], 2])
})

test('the oldest are forgotten', () => {
  const log = new ChangeLog(10)
  for (let at = 0; at < 57; at++) log.add(event())
  const { changes, total } = log.list({ limit: 1000 })
  deepEqual([changes[0]!.id, changes.at(-1)!.id, total], [57, 48, 10])
})

test('the same failure again counts up instead of filling the list', () => {
  const log = new ChangeLog()
  log.add(event({ service: 'other' }))
  for (let at = 0; at < 5; at++) log.add(failure())
  const { changes } = log.list({ limit: 10 })
  deepEqual(
    changes.map(({ result, tries }) => [result, tries]),
    [
      ['failed', 5],
      ['applied', 1],
    ],
  )
})

test('a failure after a success is told anew', () => {
  const log = new ChangeLog()
  log.add(failure())
  log.add(event())
  log.add(failure())
  equal(log.list({ limit: 10 }).total, 3)
})

test('a changed document is the reason for its service, mesh/defaults for all', () => {
  const before = new Map([
    ['mesh/services/web', '{}'],
    ['mesh/services/old', '{}'],
  ])
  const after = new Map([['mesh/services/web', '{"retries": 1}']])
  const reasonsOf = changedDocuments(before, after)
  deepEqual(reasonsOf('web'), ['KV mesh/services/web changed'])
  deepEqual(reasonsOf('old'), ['KV mesh/services/old deleted'])
  deepEqual(reasonsOf('api'), ['settings of another service changed'])
  deepEqual(changedDocuments(after, new Map([...after, ['mesh/defaults', '{}']]))('api'), [
    'KV mesh/defaults written',
  ])
})

test('what was added after an entry is told newest first, and no more than asked for', () => {
  const log = new ChangeLog()
  for (const service of ['a', 'b', 'c']) log.add(event({ service }))
  const since = (id: number, limit = 10) => log.since(id, limit).map(({ service }) => service)
  deepEqual(since(0), ['c', 'b', 'a'])
  deepEqual(since(2), ['c'])
  deepEqual(since(0, 2), ['c', 'b'])
  deepEqual(since(3), [])
})

test('no more is held than is told, but for a twentieth', () => {
  const log = new ChangeLog(100)
  for (let added = 0; added < 1_000; added++) {
    log.add(event())
    ok(log.held <= 106, `${log.held} after ${added + 1}`)
  }
  equal(log.list({ limit: 1_000 }).total, 100)
})
