import { deepEqual, equal } from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import type { Change } from '../../../operator/core/diff.ts'
import type { Entity } from '../../../operator/core/entity.ts'
import { LeftUpstreams } from '../../../operator/sync/left-upstreams.ts'

const entity = (kind: Entity['kind'], name: string, fields: Entity['fields'] = {}): Entity => ({
  ...{ kind, name, fields, id: `${kind} ${name}`, parent: '', owner: 'web', tags: [] },
})
const leads = (host: string) => entity('service', 'mesh.web', { host })
const moved = (from: string, to: string): Change => ({
  action: 'update',
  entity: leads(to),
  before: leads(from),
  fields: ['host'],
  service: 'web',
})
const removal = (upstream: string, kind: Entity['kind'] = 'upstream') => ({
  ...{ action: 'delete' as const, entity: entity(kind, upstream), service: 'web', upstream },
})

let wanted: Entity[]
let used: string[]
let isDbless: boolean
let due: string[]
const begin = () =>
  new LeftUpstreams({
    wantedBy: () => wanted,
    isUsed: (upstream) => used.includes(upstream),
    isDbless: () => isDbless,
    onDue: (service) => due.push(service),
  })

beforeEach(() => {
  wanted = [leads('new'), entity('upstream', 'new')]
  used = []
  isDbless = false
  due = []
})

test('an upstream is removed some seconds after the last service of Kong was led away from it', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const left = begin()
  used = ['old']
  equal(left.keeps(removal('old')), true)
  equal(left.isRecent(removal('old')), false)
  left.written(moved('old', 'new'))
  used = ['new']
  equal(left.keeps(removal('old')), true)
  equal(left.keeps({ ...removal('old', 'target') }), true)
  equal(left.isRecent(removal('old')), true)
  t.mock.timers.tick(10_000)
  deepEqual(due, [])
  t.mock.timers.tick(1_000)
  deepEqual(due, ['web'])
  equal(left.keeps(removal('old')), false)
})

test('what nothing leads to when the operator begins may have been left a moment before: it stays as long', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const left = begin()
  equal(left.keeps(removal('old')), false)
  left.begin()
  equal(left.keeps(removal('old')), true)
  equal(left.isRecent(removal('old')), true)
  t.mock.timers.tick(10_000)
  equal(left.keeps(removal('old')), true)
  t.mock.timers.tick(1_000)
  deepEqual(due, ['web'])
  equal(left.keeps(removal('old')), false)
  equal(left.keeps(removal('another')), false)
})

test('targets leave an upstream that is still wanted, and all of a service that is gone, at once', () => {
  const left = begin()
  left.written(moved('old', 'new'))
  used = ['new']
  equal(left.keeps(removal('new', 'target')), false)
  left.written(moved('new', 'old'))
  equal(left.keeps(removal('new', 'target')), false)
  wanted = []
  equal(left.keeps(removal('old')), false)
  left.stop()
})

test('without database nothing waits: a configuration is taken over as a whole', () => {
  isDbless = true
  const left = begin()
  used = ['old']
  left.written(moved('old', 'new'))
  equal(left.keeps(removal('old')), false)
})
