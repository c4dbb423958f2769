import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { CircuitBook, type NodeCircuits } from '../../../operator/sync/circuit-book.ts'
import { listCircuits } from '../../../operator/sync/list-circuits.ts'
import { MeshFeed } from '../../../operator/sync/mesh-feed.ts'
import { RequestCounter } from '../../../operator/sync/request-counter.ts'
import { createMetrics } from '../../../operator/telemetry/metrics.ts'

const told = (node: string, over: Partial<NodeCircuits> = {}): NodeCircuits => ({
  node,
  atMs: 1000,
  epoch: 1,
  circuits: [],
  ...over,
})
const view = { services: [], modes: { web: 'forced_open' } }

test('a process that is silent for more than 15 s is forgotten', () => {
  let now = 0
  const book = new CircuitBook(() => now)
  book.note(told('a'))
  now = 10_000
  book.note(told('b'))
  now = 15_001
  deepEqual(
    book.nodes().map(({ node }) => node),
    ['b'],
  )
})

test('a snapshot that was overtaken by a later one is left, one of a new run is taken', () => {
  const book = new CircuitBook(() => 0)
  book.note(told('a', { atMs: 2000 }))
  book.note(told('a', { atMs: 1000 }))
  equal(book.nodes()[0]!.atMs, 2000)
  book.note(told('a', { atMs: 500, epoch: 2 }))
  equal(book.nodes()[0]!.atMs, 500)
})

test('modes and ejections that no process tells of are listed as well', () => {
  const ejection = { upstream: 'x', target: 't:1', untilMs: 5, sinceMs: null, reason: 'r', owner: 'n' }
  deepEqual(
    listCircuits([], [ejection], view).map(({ service, target, state, node }) => [
      service,
      target,
      state,
      node,
    ]),
    [
      ['', 't:1', 'ejected', 'n'],
      ['web', null, 'unknown', null],
    ],
  )
})

test('nobody is told of a view that says the same', async () => {
  let modes: Record<string, string> = {}
  const feed = new MeshFeed(() => ({ services: [], modes }))
  const { index } = feed.current()
  feed.changed()
  equal(feed.current().index, index)
  const waiting = feed.next(index, 60_000, new AbortController().signal)
  modes = { web: 'auto' }
  feed.changed()
  deepEqual((await waiting).modes, { web: 'auto' })
})

test('two feeds number the same view the same, so that a process may ask another operator', () => {
  const one = new MeshFeed(() => view).current()
  equal(new MeshFeed(() => view).current().index, one.index)
})

test('the series of requests are bounded, and those of instances that are gone make room', async () => {
  const metrics = createMetrics('')
  let known = new Set(['a:1', 'b:1'])
  const counter = new RequestCounter({
    metrics,
    serviceOf: () => 'web',
    knows: (_service, instance) => known.has(instance),
    mostSeries: 2,
  })
  const count = (instance: string) => counter.count({ serviceId: 's', status: 200, instances: [instance] })
  for (const instance of ['a:1', 'b:1']) count(instance)
  known = new Set(['b:1', 'c:1', 'd:1'])
  for (const instance of ['c:1', 'd:1']) count(instance)
  const { values } = await metrics.requests.get()
  deepEqual(
    values.map(({ labels }) => labels['instance']),
    ['b:1', 'c:1', 'other'],
  )
})
