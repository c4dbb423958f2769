import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { visible } from '../../../operator/cli/visible.ts'
import { waterfall } from '../../../operator/cli/waterfall.ts'
import { decodeJson } from '../../../operator/traces/otlp/decode-json.ts'
import { summarize } from '../../../operator/traces/summarize.ts'
import { TraceQueries } from '../../../operator/traces/trace-queries.ts'
import { TraceStore } from '../../../operator/traces/trace-store.ts'
import { viewTrace } from '../../../operator/traces/trace-view.ts'
import { jsonRequest, type SpanGiven, traceId } from '../../support/otlp-spans.ts'
import { meshTrace } from '../../support/trace-load.ts'

const NOW_MS = 1_795_454_400_000
function storeOf(spans: readonly SpanGiven[], nowMs = NOW_MS, store = new TraceStore()): TraceStore {
  store.add(decodeJson(jsonRequest(spans)).spans, nowMs)
  return store
}
const view = (spans: readonly SpanGiven[]) => viewTrace(storeOf(spans).get(traceId(spans[0]!.trace ?? 1))!)
const told = (spans: readonly SpanGiven[]) =>
  Object.fromEntries(
    view(spans).spans.map(({ operation, self_time, critical_time }) => [
      operation,
      [self_time, critical_time],
    ]),
  )

test('own time is what no child covers, and the critical path is what was waited for', () => {
  deepEqual(
    told([
      { id: 1, name: 'root', startMs: 0, ms: 100 },
      { id: 2, parent: 1, name: 'first', startMs: 10, ms: 30 },
      { id: 3, parent: 1, name: 'beside', startMs: 20, ms: 50 },
      { id: 4, parent: 3, name: 'below', startMs: 30, ms: 20 },
      { id: 5, parent: 1, name: 'after', startMs: 200, ms: 5 },
    ]),
    { root: [40, 40], first: [30, 10], beside: [30, 30], below: [20, 20], after: [5, 0] },
  )
})

test('the parts of the critical path add up to what the root took', () => {
  const spans = fc.array(
    fc.record({
      parent: fc.integer({ min: 1, max: 12 }),
      startMs: fc.integer({ min: -20, max: 150 }),
      ms: fc.integer({ min: 0, max: 120 }),
      service: fc.constantFrom('web', 'api'),
      kind: fc.constantFrom('server', 'client', 'internal') as fc.Arbitrary<'server' | 'client' | 'internal'>,
    }),
    { maxLength: 11 },
  )
  fc.assert(
    fc.property(spans, (others) => {
      const all = [{ id: 1, startMs: 0, ms: 100 }, ...others.map((each, i) => ({ id: i + 2, ...each }))]
      const { spans: seen } = view(all)
      const sum = seen.reduce((total, { critical_time }) => total + critical_time, 0)
      ok(Math.abs(sum - 100) < 0.01, `${sum}`)
      for (const { self_time, duration, critical_time } of seen) {
        ok(self_time >= 0 && self_time <= duration + 0.001)
        ok(critical_time >= 0 && critical_time <= duration + 0.001)
      }
    }),
  )
})

test('what a service did behind the gateway is taken out of the time of the try', () => {
  const trace = view(meshTrace(1))
  const own = Object.fromEntries(
    trace.spans.map(({ service, kind, operation, self_time }) => [
      `${service} ${kind} ${operation}`,
      self_time,
    ]),
  )
  // 21 ms in all; the try took 19, the service within it 17.
  deepEqual([own['kong server GET /orders'], own['kong client GET /orders']], [2, 2])
  deepEqual(trace.services_involved, ['api', 'kong', 'web'])
  const times = Object.values(trace.service_times).reduce((sum, ms) => sum + ms, 0)
  ok(Math.abs(times - 21) < 0.01, `${times}`)
})

test('what the gateway waited for a service without spans is the time of that service', () => {
  const { service_times } = view([
    {
      id: 1,
      service: 'kong',
      kind: 'server',
      ms: 50,
      attributes: { 'mesh.source': 'upstream', 'mesh.service': 'old' },
    },
    {
      id: 2,
      parent: 1,
      service: 'kong',
      kind: 'client',
      startMs: 1,
      ms: 48,
      attributes: { 'peer.service': 'old' },
    },
  ])
  deepEqual(service_times, { kong: 2, old: 48 })
})

test('a service whose clock is off is moved to where it was called, and what it called with it', () => {
  const { spans, total_duration } = view([
    { id: 1, service: 'web', kind: 'client', ms: 100 },
    { id: 2, parent: 1, service: 'api', kind: 'server', startMs: -5_000, ms: 60 },
    { id: 3, parent: 2, service: 'api', startMs: -4_990, ms: 10 },
  ])
  deepEqual(
    spans.map(({ offset, clock_shift }) => [offset, clock_shift]),
    [
      [0, 0],
      [20, 5_020],
      [30, 5_020],
    ],
  )
  equal(total_duration, 100)
})

test('a span whose parent is missing is shown beside the root, and says so', () => {
  const { spans, root_operation } = view([
    { id: 5, parent: 4, name: 'lost', startMs: -10 },
    { id: 1, name: 'root' },
    { id: 2, parent: 1, name: 'child' },
  ])
  equal(root_operation, 'root')
  deepEqual(
    spans.map(({ operation, depth, missing_parent }) => [operation, depth, missing_parent]),
    [
      ['root', 0, false],
      ['child', 1, false],
      ['lost', 0, true],
    ],
  )
})

test('times that cannot be are made to be', () => {
  const none = { ...decodeJson(jsonRequest([{ id: 1 }])).spans[0]!, startUs: 0, durationNs: 5e18 }
  const back = { ...decodeJson(jsonRequest([{ trace: 2, id: 1 }])).spans[0]!, durationNs: -5 }
  const store = new TraceStore()
  store.add([none, back], NOW_MS)
  const { start_time, total_duration } = summarize(store.get(traceId(1))!)
  deepEqual([Date.parse(start_time), total_duration], [NOW_MS, 0])
  equal(summarize(store.get(traceId(2))!).total_duration, 0)
})

test('latencies are told by service, operation and edge, within the window alone', () => {
  const store = storeOf(meshTrace(1, true), NOW_MS - 20 * 60_000)
  for (let i = 2; i <= 11; i++) storeOf(meshTrace(i), NOW_MS, store)
  const queries = new TraceQueries(store, () => NOW_MS)
  const web = queries.latency('web', 15 * 60_000)!
  deepEqual([web.calls, web.errors, web.source], [10, 0, 'server'])
  equal(queries.latency('web', 30 * 60_000)!.errors, 1)
  deepEqual(
    web.operations.map(({ operation, calls }) => [operation, calls]),
    [
      ['GET /orders', 10],
      ['GET', 10],
      ['render', 10],
    ],
  )
  deepEqual(
    web.callers.map(({ caller }) => caller),
    ['kong'],
  )
  deepEqual(
    web.callees.map(({ callee, via }) => [callee, via]),
    [
      ['api', 'kong'],
      ['kong', null],
    ],
  )
  const [p50, exact] = [web.p50!, 22]
  ok(Math.abs(p50 - exact) / exact < 0.02, `${p50}`)
  equal(queries.latency('postgresql', 60 * 60_000)!.source, 'client')
  equal(queries.latency('nobody', 60 * 60_000), null)
  equal(queries.dependencies(null).dependencies.find(({ callee }) => callee === 'web')!.calls, 11)
  equal(queries.dependencies(15 * 60_000).dependencies.find(({ callee }) => callee === 'web')!.calls, 10)
})

test('bottlenecks are compared with the window before', () => {
  const slow = (trace: number, ms: number): SpanGiven[] => [
    { trace, id: 1, service: 'web', name: 'GET /', kind: 'server', ms: ms + 10 },
    { trace, id: 2, parent: 1, service: 'db', name: 'SELECT', kind: 'server', startMs: 5, ms },
  ]
  const store = storeOf(slow(1, 10), NOW_MS - 20 * 60_000)
  storeOf(slow(2, 90), NOW_MS, store)
  const { services, by_p95, by_share, traces, traces_before } = new TraceQueries(
    store,
    () => NOW_MS,
  ).bottlenecks(15 * 60_000, 5)
  deepEqual([traces, traces_before], [1, 1])
  deepEqual(
    services.map(({ service, critical_share, critical_share_before }) => [
      service,
      critical_share,
      critical_share_before,
    ]),
    [
      ['db', 90, 50],
      ['web', 10, 50],
    ],
  )
  equal(by_share[0]!.operation, 'SELECT')
  equal(by_p95[0]!.operation, 'GET /')
  ok(Math.abs(by_share[0]!.p95_change! - 800) < 20, `${by_share[0]!.p95_change}`)
})

test('the waterfall shows tree, times and errors, and does nothing that a name asks a terminal to do', () => {
  const plain = (text: string) => text
  const trace = view([
    { id: 1, service: 'web', name: 'GET /\u001b[2J\u202e', kind: 'server', ms: 100 },
    {
      id: 2,
      parent: 1,
      service: 'web',
      name: 'query',
      kind: 'client',
      startMs: 50,
      ms: 50,
      isError: true,
      attributes: { 'db.system': 'redis' },
    },
  ])
  const lines = waterfall(trace, { width: 200, paint: { dim: plain, red: plain, cyan: plain } })
  const text = lines.join('\n')
  ok(!text.includes('\u001b') && !text.includes('\u202e'))
  ok(
    lines.some((line) => line.startsWith('web GET /') && line.includes(`${'█'.repeat(16)}${'░'.repeat(16)}`)),
    text,
  )
  ok(
    lines.some(
      (line) =>
        line.startsWith('  → web query') &&
        line.includes(`${' '.repeat(16)}${'█'.repeat(16)}`) &&
        line.includes('redis'),
    ),
    text,
  )
  equal(visible('a\tb'), 'a\ufffdb')
})
