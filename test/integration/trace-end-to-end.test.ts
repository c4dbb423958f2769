// A request through gateway -> web -> gateway -> api, where web sends spans of its own and api sends none.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import type { TraceView } from '../../operator/traces/trace-view.ts'
import { type PluginMesh, startPluginMesh } from '../support/plugin-mesh.ts'
import { waitFor } from '../support/wait-for.ts'

let mesh: PluginMesh
const servers: Server[] = []

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}

const newId = () => randomBytes(8).toString('hex')
const nanos = (ms: number) => `${Math.round(ms * 1_000)}000`
const now = () => performance.timeOrigin + performance.now()

before(async () => {
  mesh = await startPluginMesh()
  const api = await serve((_request, answer) => answer.end('api'))
  const web = await serve(async (request, answer) => {
    const [, traceId = '', parentSpanId = ''] = String(request.headers['traceparent']).split('-')
    const [server, client] = [newId(), newId()]
    const startedMs = now()
    const called = await fetch(`${mesh.proxyUrl}/api/`, {
      headers: { traceparent: `00-${traceId}-${client}-01` },
    })
    const endedMs = now()
    const times = { startTimeUnixNano: nanos(startedMs), endTimeUnixNano: nanos(endedMs) }
    const spans = [
      { traceId, spanId: server, parentSpanId, name: 'GET /', kind: 2, ...times },
      { traceId, spanId: client, parentSpanId: server, name: 'GET', kind: 3, ...times },
    ]
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'web' } }] }
    await fetch(`${mesh.operator().url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }),
    })
    answer.end(await called.text())
  })
  await mesh.deploy('api', [api])
  await mesh.deploy('web', [web])
})
after(async () => {
  await mesh?.stop()
  for (const server of servers) server.closeAllConnections()
  for (const server of servers) server.close()
})

const read = async (path: string) =>
  (await (await fetch(`${mesh.operator().url}/api/v1/mesh/v2${path}`)).json()) as never

/** One request, and its trace once all six spans are there. */
async function traced(): Promise<{ trace: TraceView; headers: Headers }> {
  const traceId = randomBytes(16).toString('hex')
  const { status, headers } = await mesh.get('web', {
    headers: { traceparent: `00-${traceId}-${newId()}-01` },
  })
  equal(status, 200)
  let trace: TraceView | undefined
  await waitFor(
    async () => {
      trace = (await read(`/traces/${traceId}`)) as TraceView | undefined
      return trace?.span_count === 6
    },
    { what: 'six spans in the operator' },
  )
  return { trace: trace!, headers }
}

test('it comes out as one tree with right parents, a span for each try, and who called whom', async () => {
  let { trace, headers } = await traced()
  // The plugins hear of services from the operator: until then they do not know whom they sent a request to.
  const isNamed = () =>
    trace.spans.every(
      ({ service, attributes }) => service !== 'kong' || attributes['mesh.service'] !== undefined,
    )
  await waitFor(
    async () => {
      if (!isNamed()) ({ trace, headers } = await traced())
      return isNamed()
    },
    { what: 'the plugins know both services' },
  )
  const { spans, services_involved, status: result } = trace
  const found = (service: string, kind: string, calls?: string) =>
    spans.find(
      (span) =>
        span.service === service &&
        span.kind === kind &&
        (calls === undefined || span.attributes['mesh.service'] === calls),
    )!
  const toWeb = found('kong', 'server', 'web')
  const toApi = found('kong', 'server', 'api')
  const parents = {
    tryOfWeb: found('kong', 'client', 'web').parent_span_id,
    web: found('web', 'server').parent_span_id,
    call: found('web', 'client').parent_span_id,
    gateway: toApi.parent_span_id,
    tryOfApi: found('kong', 'client', 'api').parent_span_id,
  }
  deepEqual(parents, {
    tryOfWeb: toWeb.span_id,
    web: toWeb.span_id,
    call: found('web', 'server').span_id,
    gateway: found('web', 'client').span_id,
    tryOfApi: toApi.span_id,
  })
  deepEqual(
    spans.filter(({ depth }) => depth === 0).map(({ span_id }) => span_id),
    [toWeb.span_id],
  )
  deepEqual([services_involved, result], [['api', 'kong', 'web'], 'success'])
  const { dependencies } = (await read('/dependencies')) as {
    dependencies: { caller: string; callee: string; via: string | null; calls: number }[]
  }
  const edges = dependencies.map(
    ({ caller, callee, via }) => `${caller} > ${callee}${via === null ? '' : ` via ${via}`}`,
  )
  deepEqual(edges, ['kong > api', 'kong > web', 'web > api via kong', 'web > kong'])
  const { dependencies: callees } = (await read('/topology')) as { dependencies: Record<string, string[]> }
  deepEqual(callees, { kong: ['api', 'web'], web: ['api', 'kong'] })
  const requestId = headers.get('x-kong-request-id')
  if (requestId !== null) {
    const { traces } = (await read(`/traces?tag=kong.request.id:${requestId}`)) as {
      traces: { trace_id: string }[]
    }
    ok(traces.some(({ trace_id }) => trace_id === trace.trace_id))
  }
})
