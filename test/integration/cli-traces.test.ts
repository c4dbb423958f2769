// `kongsul traces` against a collector that listens.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { runKongsul } from '../support/kongsul-process.ts'
import { jsonRequest, traceId } from '../support/otlp-spans.ts'
import { startTraceServer, type TraceServer } from '../support/trace-server.ts'

const REQUEST_ID = '1f0c5b3e8f1a4a6fb1f1a4c0ffee1234'
let server: TraceServer
before(async () => {
  server = await startTraceServer()
  await server.send(
    jsonRequest([
      {
        ...{ trace: 1, id: 1, service: 'kong', name: 'GET /orders', kind: 'server', ms: 40 },
        attributes: { 'kong.request.id': REQUEST_ID, 'mesh.source': 'upstream', 'mesh.service': 'web' },
      },
      { trace: 1, id: 2, parent: 1, service: 'kong', name: 'GET', kind: 'client', startMs: 5, ms: 30 },
      { trace: 2, id: 1, service: 'kong', name: 'GET /cart', kind: 'server', startMs: 100, isError: true },
    ]),
  )
})
after(() => server.close())

const traces = (...args: readonly string[]) => runKongsul(['traces', ...args], { KONGSUL_ADDR: server.url })

test('without conditions the newest trace is first; conditions narrow the list', async () => {
  const { code, stdout } = await traces()
  const [titles, first, second] = stdout.split('\n')
  equal(code, 0)
  match(titles!, /^STARTED +TRACE +DURATION +SPANS +ERRORS +OPERATION +SERVICES$/)
  ok(first!.includes(traceId(2)) && second!.includes(traceId(1)), stdout)
  const { traces: found, total } = JSON.parse((await traces('--service', 'web', '--json')).stdout)
  deepEqual([found[0].trace_id, found[0].span_count, total], [traceId(1), 2, 1])
})

test('a trace is shown as a waterfall, also by Kong’s id of its request', async () => {
  const byId = await traces(traceId(1))
  const byRequest = await traces('--request-id', REQUEST_ID)
  deepEqual([byId.code, byRequest.code], [0, 0])
  equal(byId.stdout, byRequest.stdout)
  match(byId.stdout, /^kong GET \/orders +█+░+█* +40\.0 ms +10\.0 ms/m)
  match(byId.stdout, /^ {2}→ kong GET +█+ +30\.0 ms/m)
})

test('what fits nothing, what is not kept and what is no condition are told apart', async () => {
  const nothing = await traces('--service', 'nobody')
  deepEqual([nothing.code, /^No traces fit; without conditions/.test(nothing.stdout)], [0, true])
  const [unkept, unknown, wrong] = await Promise.all([
    traces(traceId(9)),
    traces('--request-id', 'nope'),
    traces('--min-duration', 'soon'),
  ])
  deepEqual([unkept.code, unknown.code, wrong.code], [1, 1, 1])
  match(unkept.stderr, /does not keep it.*\n.*kongsul traces lists those/)
  match(unknown.stderr, /none of the traces that are kept has it/)
  match(wrong.stderr, /422: min_duration: must be a number of milliseconds.*\n.*--help/)
})
