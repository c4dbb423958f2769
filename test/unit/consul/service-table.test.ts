import { deepEqual, equal, notEqual } from 'node:assert/strict'
import test from 'node:test'
import { describeChange } from '../../../operator/consul/describe-change.ts'
import type { RawService } from '../../../operator/consul/raw-rows.ts'
import {
  countsThatDiffer,
  explainedIndexes,
  keepIdentity,
  type ServiceEntry,
  servicesThatDiffer,
} from '../../../operator/consul/service-table.ts'
import type { Check, Instance } from '../../../operator/core/catalog.ts'

const instance = (id: string, over: Partial<Instance> = {}): Instance => ({
  node: 'n1',
  id,
  address: '10.0.0.1',
  port: 80,
  tags: [],
  meta: {},
  weights: { passing: 1, warning: 1 },
  kind: '',
  checks: [],
  ...over,
})
const check = (status: Check['status'], id = 'service:web-1'): Check => ({
  id,
  name: id,
  status,
  serviceId: 'web-1',
})
const entry = (indexes: Record<string, number>, index = 0n): ServiceEntry => ({
  instances: Object.keys(indexes).map((id) => instance(id)),
  modifyIndexes: new Map(Object.entries(indexes).map(([id, at]) => [`n1/${id}`, at])),
  index,
})
const raw = (Service: string, ID: string, ModifyIndex: number): RawService => ({
  Service,
  ID,
  ModifyIndex,
  Address: '',
  Port: 80,
  Tags: null,
  Meta: null,
})

test('a list of equal instances stays the same list', () => {
  const before = [instance('a'), instance('b')]
  equal(keepIdentity(before, [instance('a'), instance('b')]), before)
})

test('a list with one changed instance keeps the others as they are', () => {
  const before = [instance('a'), instance('b')]
  const after = keepIdentity(before, [instance('a'), instance('b', { port: 81 })])
  notEqual(after, before)
  equal(after[0], before[0])
  equal(after[1]?.port, 81)
})

test('a listing tells of changed, new and missing instances and no others', () => {
  const table = new Map([
    ['same', entry({ s1: 1 })],
    ['changed', entry({ c1: 2 })],
    ['grown', entry({ g1: 3 })],
    ['shrunk', entry({ h1: 4, h2: 5 })],
  ])
  const services = [
    raw('same', 's1', 1),
    raw('changed', 'c1', 9),
    raw('grown', 'g1', 3),
    raw('grown', 'g2', 8),
    raw('shrunk', 'h1', 4),
    raw('new', 'n1', 7),
  ]
  const differing = servicesThatDiffer(table, [{ node: 'n1', services }])
  deepEqual([...differing].sort(), [
    ['changed', 9n],
    ['grown', 8n],
    ['new', 7n],
    ['shrunk', 0n],
  ])
})

test('an index too big for a JSON number is never taken for unchanged', () => {
  const huge = 2 ** 60
  const differing = servicesThatDiffer(new Map([['web', entry({ w1: huge })]]), [
    { node: 'n1', services: [raw('web', 'w1', huge)] },
  ])
  deepEqual([...differing.keys()], ['web'])
})

test('indexes are explained by instances and by the reads of their services', () => {
  deepEqual([...explainedIndexes([entry({ a: 5, b: 7 }, 9n), entry({ c: 3 }, 4n)], 4n, 9n)].sort(), [
    5n,
    7n,
    9n,
  ])
})

const descriptions: [
  what: string,
  before: Instance[] | undefined,
  after: Instance[] | undefined,
  text: string[],
][] = [
  ['a new service', undefined, [instance('web-1')], ['service web registered']],
  ['a service that is gone', [instance('web-1')], undefined, ['service web deregistered']],
  ['a new instance', [], [instance('web-1')], ['instance web-1 registered']],
  ['an instance that is gone', [instance('web-1')], [], ['instance web-1 deregistered']],
  ['another port', [instance('web-1')], [instance('web-1', { port: 81 })], ['instance web-1 changed']],
  [
    'a critical check',
    [instance('web-1', { checks: [check('passing')] })],
    [instance('web-1', { checks: [check('critical')] })],
    ['check service:web-1 of web-1 critical'],
  ],
  [
    'maintenance',
    [instance('web-1')],
    [instance('web-1', { checks: [check('critical', '_service_maintenance:web-1')] })],
    ['maintenance of web-1 on'],
  ],
]
for (const [what, before, after, text] of descriptions) {
  test(`${what} is described as "${text}"`, () => deepEqual(describeChange('web', before, after), text))
}

test('counts name services with another number of instances, but not those that always differ', () => {
  const table = new Map([
    ['same', entry({ a: 1 })],
    ['grown', entry({ b: 1 })],
    ['gone', entry({ c: 1 })],
    ['odd', entry({ d: 1, e: 1 })],
  ])
  const counts = new Map(Object.entries({ same: 1, grown: 2, odd: 1 }))
  deepEqual([...countsThatDiffer(table, counts, new Map([['odd', -1]]))].sort(), [
    ['gone', -1],
    ['grown', 1],
  ])
})
