import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { RedBook } from '../../../operator/metrics/red-book.ts'
import { outcomeOf } from './outcome-of.ts'

const bookOf = (most = { services: 100, instances: 100, edges: 100 }) =>
  new RedBook({
    serviceOf: (id) => /^id of (.*)$/.exec(id)?.[1] ?? null,
    knows: (_service, instance) => instance.startsWith('10.'),
    startedMs: 0,
    most,
  })

test('a request counts for the mesh, its service and the instance that answered', () => {
  const book = bookOf()
  equal(book.note(outcomeOf({ durationMs: 20 }), 60_000), 'web')
  book.note(outcomeOf({ status: 503, durationMs: 40 }), 60_000)
  const { requests, failures, rate, errorRate, latency } = book.serviceWindow('web', 60_000)
  deepEqual([requests, failures, errorRate], [2, 1, 50])
  ok(rate > 0.03 && rate < 0.04, `${rate}`)
  equal(latency.meanMs, 30)
  equal(book.meshWindow(60_000).requests, 2)
  equal(book.instanceWindow('web', '10.0.0.1:80', 60_000).failures, 1)
})

test('each try counts for its instance, whatever the request came to', () => {
  const book = bookOf()
  const tries = [
    { instance: '10.0.0.1:80', status: 'connect_error', ms: 1 },
    { instance: '10.0.0.2:80', status: 200, ms: 5 },
  ]
  book.note(outcomeOf({ tries }), 0)
  equal(book.instanceWindow('web', '10.0.0.1:80', 0).failures, 1)
  equal(book.instanceWindow('web', '10.0.0.2:80', 0).failures, 0)
  equal(book.serviceWindow('web', 0).failures, 0)
})

test('a 4xx is no failure, a client that left is none, and a gRPC status of the server is one', () => {
  const book = bookOf()
  book.note(outcomeOf({ status: 404 }), 0)
  book.note(outcomeOf({ status: 504, source: 'client_abort' }), 0)
  equal(book.serviceWindow('web', 0).failures, 0)
  book.note(outcomeOf({ grpcStatus: 14 }), 0)
  equal(book.serviceWindow('web', 0).failures, 1)
})

test('the window forgets what is older than a minute, totals do not', () => {
  const book = bookOf()
  book.note(outcomeOf({ status: 500 }), 1_000)
  equal(book.serviceWindow('web', 59_000).requests, 1)
  const { requests, rate, errorRate, latency } = book.serviceWindow('web', 65_000)
  deepEqual([requests, rate, errorRate, latency.percentile(95)], [0, 0, 0, null])
  equal(book.services().get('web')!.failures, 1)
})

test('the rate of an operator that has just started is over the time it has seen', () => {
  const book = bookOf()
  for (let i = 0; i < 100; i++) book.note(outcomeOf(), 10_000)
  equal(book.serviceWindow('web', 10_000).rate, 10)
})

test('requests of routes that are not in the mesh count for nothing', () => {
  const book = bookOf()
  equal(book.note(outcomeOf({ serviceId: null }), 0), null)
  equal(book.note(outcomeOf({ serviceId: 'of somebody else' }), 0), null)
  equal(book.mesh.requests, 0)
  equal(book.services().size, 0)
})

test('an edge is found when the caller is told of after its calls, and before them', () => {
  const book = bookOf()
  const web = outcomeOf({ spanId: 'span of web', parentSpanId: 'of the client' })
  const api = outcomeOf({ serviceId: 'id of api', spanId: 'span of api', parentSpanId: 'span of web' })
  const late = outcomeOf({ serviceId: 'id of api', status: 500, spanId: 'late', parentSpanId: 'span of web' })
  book.note(api, 0)
  equal(book.edges().length, 0)
  book.note(web, 10)
  book.note(late, 20)
  const [edge, ...more] = book.edges()
  deepEqual([edge!.caller, edge!.service, more.length], ['web', 'api', 0])
  deepEqual([edge!.series.requests, edge!.series.failures], [2, 1])
})

test('what is more than there is room for counts as other, and nothing is lost', () => {
  const book = bookOf({ services: 2, instances: 2, edges: 1 })
  for (let i = 0; i < 10; i++) {
    const instance = `10.0.0.${i}:80`
    book.note(outcomeOf({ serviceId: `id of s${i}`, tries: [{ instance, status: 200, ms: 1 }] }), 0)
  }
  const services = [...book.services()].map(([name, { requests }]) => [name, requests])
  deepEqual(services, [
    ['s0', 1],
    ['s1', 1],
    ['other', 8],
  ])
  const instances = book.instances().map(({ instance, series }) => [instance, series.requests])
  deepEqual(instances, [
    ['10.0.0.0:80', 1],
    ['10.0.0.1:80', 1],
    ['other', 8],
  ])
  equal(book.mesh.requests, 10)
})

test('series of a service that has left are gone, with its instances and edges', () => {
  const book = bookOf()
  book.note(outcomeOf({ spanId: 's1' }), 0)
  book.note(outcomeOf({ serviceId: 'id of api', spanId: 's2', parentSpanId: 's1' }), 0)
  book.forgetGone((service) => service === 'web')
  deepEqual([...book.services().keys()], ['web'])
  deepEqual(
    book.instances().map(({ service }) => service),
    ['web'],
  )
  equal(book.edges().length, 0)
  equal(book.mesh.requests, 2)
})
