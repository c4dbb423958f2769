import { deepEqual, equal, match, notEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { tracingPlugin } from '../../../plugins/mesh-tracing/plugin.ts'
import { TraceBudget, tracesPerSecond } from '../../../plugins/mesh-tracing/trace-budget.ts'
import { createMeshHeaderCodec } from '../../../plugins/outcomes/mesh-headers.ts'
import { createRandomSource } from '../../../plugins/propagation/ids.ts'
import type { HeaderMap } from '../../../plugins/server/form/pdk-calls.ts'

const meshHeaders = createMeshHeaderCodec('token')
let nowMs = 0
const budget = new TraceBudget(5)
const { Plugin } = tracingPlugin({ random: createRandomSource(), meshHeaders, budget, nowMs: () => nowMs })

/** What the plugin sets for a request, and the PDK calls it took. */
async function access(incoming: HeaderMap, config: object): Promise<{ set: HeaderMap; calls: string[] }> {
  const calls: string[] = []
  let set: HeaderMap = {}
  const kong = {
    request: {
      getHeaders: async () => {
        calls.push('getHeaders')
        return incoming
      },
    },
    service: {
      request: {
        setHeaders: async (headers: HeaderMap) => {
          calls.push('setHeaders')
          set = headers
        },
      },
    },
  }
  await new Plugin(config).access!(kong)
  return { set, calls }
}

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'
const CONFIG = { service_id: 'service-1', __plugin_id: 'p', __seq__: 1 }

test('a trace goes on with a span of its own, with two calls of the PDK', async () => {
  const { set, calls } = await access({ traceparent: [`00-${TRACE}-${PARENT}-01`], host: ['a'] }, CONFIG)
  deepEqual(calls, ['getHeaders', 'setHeaders'])
  const [, trace, span, flags] = String(set['traceparent']).split('-')
  deepEqual([trace, flags], [TRACE, '01'])
  notEqual(span, PARENT)
})

test('where no traceparent of ours goes on, the log is told of the span all the same', async () => {
  const told = ({ 'X-Mesh-Route': route, 'X-Mesh-Span': span }: HeaderMap) =>
    meshHeaders.read(String(route), String(span))
  const b3 = await access({ b3: [`${TRACE}-${PARENT}-1`] }, CONFIG)
  const [, span] = String(b3.set['b3']).split('-')
  const trace = { traceId: TRACE, parentId: span, sampled: true, isRandom: false }
  deepEqual([b3.set['traceparent'], told(b3.set)?.trace], [undefined, trace])
  // One that stays as it came names the caller's span.
  const onlyB3 = { ...CONFIG, propagation: { inject: ['b3'] } }
  const { set } = await access({ traceparent: [`00-${TRACE}-${PARENT}-00`] }, onlyB3)
  const { traceId, parentId, sampled } = told(set)!.trace!
  deepEqual([traceId, parentId, sampled], [TRACE, set['x-b3-spanid'], false])
})

test('service and caller are told under a seal, whatever the client sent', async () => {
  const { set } = await access(
    { traceparent: [`00-${TRACE}-${PARENT}-01`], 'x-mesh-route': ['other/route'], 'x-mesh-span': ['x'] },
    CONFIG,
  )
  deepEqual(meshHeaders.read(String(set['X-Mesh-Route']), String(set['X-Mesh-Span'])), {
    serviceId: 'service-1',
    routeId: null,
    parentSpanId: PARENT,
  })
})

test('on no service of its own the plugin takes off what a client sent for the mesh', async () => {
  const { set } = await access({ 'x-mesh-route': ['other/route'] }, {})
  deepEqual([set['X-Mesh-Route'], set['X-Mesh-Span']], [[], []])
})

test('where tracing is off a trace that begins is not sampled, and one that came is followed', async () => {
  const off = { ...CONFIG, enabled: false, sampling_rate: 1 }
  match(String((await access({}, off)).set['traceparent']), /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[02]$/)
  const followed = await access({ traceparent: [`00-${TRACE}-${PARENT}-01`] }, off)
  equal(String(followed.set['traceparent']).endsWith('-01'), true)
})

/** How many of `count` requests to a service are sampled. */
async function sampled(count: number, service: string, incoming: HeaderMap = {}): Promise<number> {
  let found = 0
  for (let i = 0; i < count; i++) {
    const { set } = await access(incoming, { ...CONFIG, service_id: service })
    if (/-0[13]$/.test(String(set['traceparent']))) found++
  }
  return found
}

test('of each service so many traces a second begin to be recorded, after a first burst, and no more', async () => {
  nowMs = 1_000_000
  equal(await sampled(100, 'busy'), 10)
  equal(await sampled(5, 'other'), 5)
  nowMs += 1_000
  equal(await sampled(100, 'busy'), 5)
  nowMs += 60_000
  equal(await sampled(100, 'busy'), 10)
  equal(budget.limited, 90 + 95 + 90)
})

test('a trace that others have begun is recorded as they decided, and takes nothing of the service’s', async () => {
  nowMs += 60_000
  const incoming = { traceparent: [`00-${TRACE}-${PARENT}-01`] }
  equal(await sampled(100, 'followed', incoming), 100)
  equal(await sampled(100, 'followed'), 10)
})

test('0 is without limit, a clock that goes back does no harm, and services without number are forgotten', () => {
  const all = new TraceBudget(0)
  for (let i = 0; i < 1_000; i++) equal(all.take('web', 0), true)
  const some = new TraceBudget(1)
  deepEqual(
    [5_000, 4_000, 3_000].map((at) => some.take('web', at)),
    [true, true, false],
  )
  for (let i = 0; i < 10_000; i++) some.take(`s${i}`, 10_000 + i)
  equal(some.take('web', 20_000), true)
})

test('what is no number of traces is the default', () => {
  deepEqual(
    [undefined, '', ' ', 'many', '-1', 'Infinity', '0', '7.5'].map(tracesPerSecond),
    [50, 50, 50, 50, 50, 50, 0, 7.5],
  )
})

test('what a client says of who it is, which only Kong may say, is taken off in the same two calls', async () => {
  const forged = {
    'x-consumer-id': ['1'],
    'x-consumer-username': ['mesh.web', 'root'],
    'x-consumer-groups': ['admins'],
    'x-consumer-custom-id': ['1'],
    'x-credential-identifier': ['1'],
    'x-credential-username': ['1'],
    'x-anonymous-consumer': ['true'],
    'x-authenticated-groups': ['admins'],
    x_consumer_username: ['root'],
  }
  const kept = { 'x-consumers': ['3'], 'x-credentials': ['a'], 'x-request-id': ['1'], accept: ['*/*'] }
  const { set, calls } = await access({ ...forged, ...kept }, CONFIG)
  deepEqual(calls, ['getHeaders', 'setHeaders'])
  for (const name of Object.keys(forged)) deepEqual(set[name], [], name)
  for (const name of Object.keys(kept)) equal(set[name], undefined, name)
})

test('of more headers than Kong tells of, what it would write is taken off unseen, in every spelling', async () => {
  const many = Object.fromEntries(Array.from({ length: 499 }, (_, at) => [`x-h-${at}`, ['1', '2']]))
  const spelled = [
    'x-consumer-username',
    'x_consumer_custom_id',
    'x-consumer_custom-id',
    'x-authenticated-groups',
  ]
  const full = (await access({ ...many, 'x-credential-username': ['1'], accept: ['a'] }, CONFIG)).set
  for (const name of [...spelled, 'x-credential-username']) deepEqual(full[name], [], name)
  const fewer = (await access({ ...many, accept: ['a'] }, CONFIG)).set
  for (const name of spelled) equal(fewer[name], undefined, name)
})
