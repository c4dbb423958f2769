import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceView, ViewedService } from '../../../operator/core/mesh-view.ts'
import { CircuitBook, type CircuitReport, type NodeCircuits } from '../../../operator/sync/circuit-book.ts'
import { listCircuits } from '../../../operator/sync/list-circuits.ts'
import { type MeshChanges, MeshFeed } from '../../../operator/sync/mesh-feed.ts'
import { RequestCounter } from '../../../operator/sync/request-counter.ts'
import { createMetrics } from '../../../operator/telemetry/metrics.ts'

const told = (node: string, over: Partial<NodeCircuits> = {}): NodeCircuits => ({
  node,
  atMs: 1000,
  epoch: 1,
  circuits: [],
  ...over,
})
const modes = new Map([['web', 'forced_open']])

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
  const named = { ...ejection, target: 't.test:1@10.0.0.1:1' }
  deepEqual(
    listCircuits([], [ejection, named], [], modes).map(({ service, target, address, state, node }) => [
      service,
      target,
      address,
      state,
      node,
    ]),
    [
      ['', 't.test:1', '10.0.0.1:1', 'ejected', 'n'],
      ['', 't:1', null, 'ejected', 'n'],
      ['web', null, null, 'unknown', null],
    ],
  )
})

test('several circuits of a service, and an instance in several upstreams, are one row each: the worst', () => {
  const row = (circuit: CircuitReport['circuit'], state: string): CircuitReport => ({
    ...{ circuit, state, since: null, until: null, reason: '', counts: {} },
  })
  const instances = [{ target: 't:1', id: 'web-1', health: 'healthy' as const }]
  const place = { instances, ejections: [] }
  const web: ServiceView = {
    ...{ service: 'web', routes: [], mode: 'auto', ...place },
    ...{ serviceId: 's1', upstream: 'web.mesh', upstreamId: 'u1' },
    more: [{ ...place, serviceId: 's2', upstream: 'v2.web.mesh', upstreamId: 'u2' }],
  }
  const circuits = [
    row({ kind: 'service', serviceId: 's1' }, 'half_open'),
    row({ kind: 'service', serviceId: 's2' }, 'open'),
    row({ kind: 'instance', upstream: 'web.mesh', target: 't:1' }, 'ejected'),
    row({ kind: 'instance', upstream: 'v2.web.mesh', target: 't:1' }, 'probing'),
    row({ kind: 'service', serviceId: 'of others 1' }, 'closed'),
    row({ kind: 'service', serviceId: 'of others 2' }, 'closed'),
  ]
  deepEqual(
    listCircuits([told('n', { circuits })], [], [web], new Map()).map((each) => [
      each.service,
      each.instance_id,
      each.state,
    ]),
    [
      ['', null, 'closed'],
      ['', null, 'closed'],
      ['web', null, 'open'],
      ['web', 'web-1', 'ejected'],
    ],
  )
})

const upstream = { kind: 'upstream', id: 'u', name: 'web.mesh' }
const entities = (id: string) =>
  [upstream, { kind: 'service', id, name: 'mesh.web', fields: {} }] as unknown as ViewedService['entities']
const viewed = (service: string, over: Partial<ViewedService> = {}): ViewedService => ({
  service,
  entities: entities(`id of ${service}`),
  instances: [],
  mode: 'auto',
  ...over,
})
const { signal } = new AbortController()
const namesOf = ({ services }: MeshChanges) => services.map(({ service }) => service)

test('who waits is told of a change that somebody else has looked at first', async () => {
  let services = [viewed('api')]
  const feed = new MeshFeed(() => services, 100)
  const { index } = await feed.next(0, 0, signal)
  const next = feed.next(index, 60_000, signal)
  services = [...services, viewed('web')]
  feed.changed()
  equal(feed.current().length, 2)
  deepEqual(namesOf(await next), ['web'])
})

test('plugin processes are told what changed, and nothing of what says the same', async () => {
  let services = [viewed('api'), viewed('web')]
  const feed = new MeshFeed(() => services, 100)
  const first = await feed.next(0, 0, signal)
  deepEqual([first.full, namesOf(first)], [true, ['api', 'web']])

  services = services.map((each) => ({ ...each, instances: [] }))
  feed.changed()
  deepEqual(await feed.next(first.index, 0, signal), { ...first, full: false, services: [] })

  const waiting = feed.next(first.index, 60_000, signal)
  services = [services[0]!, viewed('web', { mode: 'disabled' })]
  feed.changed()
  const second = await waiting
  deepEqual([second.full, namesOf(second), second.services[0]!.mode], [false, ['web'], 'disabled'])
})

test('plugin processes are told what is gone, and what came back under another id', async () => {
  let services = [viewed('api'), viewed('web')]
  const feed = new MeshFeed(() => services, 100)
  const { index } = await feed.next(0, 0, signal)
  services = [viewed('api', { entities: entities('new') })]
  feed.changed()
  const told = await feed.next(index, 0, signal)
  deepEqual([namesOf(told), [...told.removed].sort()], [['api'], ['id of api', 'id of web']])
  services = [...services, viewed('web')]
  feed.changed()
  const back = await feed.next(index, 0, signal)
  deepEqual([namesOf(back), back.removed], [['api', 'web'], ['id of api']])
})

test('whoever asks from an index that is not ours is told everything', async () => {
  const feed = new MeshFeed(() => [viewed('web')], 100)
  const { index } = await feed.next(0, 0, signal)
  for (const foreign of [1, 99, index + 1, 1_000_000]) {
    deepEqual([(await feed.next(foreign, 0, signal)).full], [true], String(foreign))
  }
  equal((await feed.next(index, 0, signal)).full, false)
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
