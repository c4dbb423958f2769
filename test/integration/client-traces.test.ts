// Three services that joined with kongsul/client, each asking the next through the gateway with the mesh's plugins.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import axios from 'axios'
import { join } from '../../operator/client/client.ts'
import type { Mesh } from '../../operator/client/public-types.ts'
import { type PluginMesh, startPluginMesh } from '../support/plugin-mesh.ts'
import { waitFor } from '../support/wait-for.ts'

interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly kind: number
  readonly service: string
}

const spans: OtlpSpan[] = []
/** Sees what is sent, and hands on to the operator what the services send: it has those of the gateway itself. */
const collector = createServer(async (request, answer) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const whole = Buffer.concat(chunks)
  const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(whole) : whole
  const { resourceSpans } = JSON.parse(text.toString())
  const nameOf = ({
    resource,
  }: {
    resource: { attributes: { key: string; value: { stringValue: string } }[] }
  }) => resource.attributes.find(({ key }) => key === 'service.name')!.value.stringValue
  if (resourceSpans.every((each: never) => nameOf(each) !== 'kong'))
    await fetch(`${mesh.operator().url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: text,
    })
  for (const each of resourceSpans) {
    const { scopeSpans } = each
    for (const span of scopeSpans.flatMap((scope: { spans: OtlpSpan[] }) => scope.spans))
      spans.push({ ...span, service: nameOf(each) })
  }
  answer.end('{}')
})

interface Service {
  readonly mesh: Mesh
  readonly server: Server
  /** Headers of the requests that it got, health checks apart. */
  readonly got: IncomingHttpHeaders[]
}
let mesh: PluginMesh
let services: Service[] = []
before(async () => {
  await once(collector.listen(0, '127.0.0.1'), 'listening')
  const otlp = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
  mesh = await startPluginMesh({ OTEL_EXPORTER_OTLP_ENDPOINT: otlp })
  services = [
    await serve('edge', otlp, async ({ fetch }) => await (await fetch('http://middle.mesh/hop')).text()),
    await serve('middle', otlp, async (joined) => {
      const instance = axios.create({ baseURL: 'http://last.mesh' })
      joined.axios(instance)
      return (await instance.get('/hop')).data as string
    }),
    await serve('last', otlp, async () => 'the end'),
  ]
  for (const name of ['edge', 'middle', 'last'])
    await waitFor(async () => (await mesh.get(name, { path: '/alone' })).status === 200, { what: name })
  // What a change of Kong's routes interrupted is over.
  await waitFor(async () => (await mesh.get('edge')).body === 'the end')
})
after(async () => {
  for (const { mesh: joined, server } of services) {
    await joined.leave()
    server.close().closeAllConnections()
  }
  await mesh?.stop()
  collector.close().closeAllConnections()
})

async function serve(
  service: string,
  otlp: string,
  work: (joined: Mesh) => Promise<string>,
): Promise<Service> {
  const got: IncomingHttpHeaders[] = []
  let joined: Mesh | null = null
  const server = createServer((request, answer) =>
    joined!.handler(async (incoming, outgoing) => {
      if (incoming.url === '/alone') return void outgoing.end('alone')
      got.push(incoming.headers)
      outgoing.end(await work(joined!).catch((error: Error) => error.message))
    })(request, answer),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { url: consul } = mesh.consul
  joined = await join({
    service,
    port,
    consul,
    proxy: mesh.proxyUrl,
    otlp,
    ttlSeconds: 600,
    leaveOnExit: false,
  })
  return { mesh: joined, server, got }
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const decimal = (hex: string) => BigInt(`0x${hex}`).toString()
const came: [
  format: string,
  headers: Record<string, string>,
  traceOf: (got: IncomingHttpHeaders) => string | undefined,
][] = [
  [
    'w3c',
    { traceparent: `00-${TRACE}-${SPAN}-01`, tracestate: 'vendor=1', baggage: 'user=ada' },
    ({ traceparent }) => String(traceparent).split('-')[1],
  ],
  [
    'b3',
    { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-sampled': '1' },
    (got) => String(got['x-b3-traceid']),
  ],
  ['b3-single', { b3: `${TRACE}-${SPAN}-1` }, ({ b3 }) => String(b3).split('-')[0]],
  [
    'jaeger',
    { 'uber-trace-id': `${TRACE}:${SPAN}:0:1`, 'uberctx-user': 'ada' },
    (got) => String(got['uber-trace-id']).split(':')[0],
  ],
  [
    'ot',
    {
      'ot-tracer-traceid': TRACE,
      'ot-tracer-spanid': SPAN,
      'ot-tracer-sampled': '1',
      'ot-baggage-user': 'ada',
    },
    (got) => String(got['ot-tracer-traceid']),
  ],
  [
    'datadog',
    {
      'x-datadog-trace-id': decimal(TRACE.slice(16)),
      'x-datadog-parent-id': decimal(SPAN),
      'x-datadog-sampling-priority': '1',
    },
    (got) => String(got['x-datadog-trace-id']),
  ],
  [
    'aws',
    { 'x-amzn-trace-id': `Root=1-${TRACE.slice(0, 8)}-${TRACE.slice(8)};Parent=${SPAN};Sampled=1` },
    (got) => /Root=1-([0-9a-f]{8})-([0-9a-f]{24})/.exec(String(got['x-amzn-trace-id']))?.slice(1).join(''),
  ],
  [
    'gcp',
    { 'x-cloud-trace-context': `${TRACE}/${decimal(SPAN)};o=1` },
    (got) => String(got['x-cloud-trace-context']).split('/')[0],
  ],
  [
    'mesh',
    { 'x-trace-id': TRACE, 'x-span-id': SPAN, 'x-trace-flags': '1', 'x-trace-baggage': '{"user":"ada"}' },
    (got) => String(got['x-trace-id']),
  ],
]
for (const [format, headers, traceOf] of came) {
  test(`a trace in ${format} reaches the third service, as do what belongs to it and x-request-id`, async () => {
    for (const { got } of services) got.length = 0
    const { body } = await mesh.get('edge', { headers: { ...headers, 'x-request-id': 'r-1' } })
    equal(body, 'the end')
    const wanted = format === 'datadog' ? decimal(TRACE.slice(16)) : TRACE
    for (const { mesh: joined, got } of services) {
      equal(got.length, 1, joined.service)
      equal(traceOf(got[0]!), wanted, joined.service)
      equal(got[0]!['x-request-id'], 'r-1')
      for (const [name, value] of Object.entries(headers).filter(([each]) =>
        /baggage|tracestate|uberctx/.test(each),
      ))
        deepEqual([name, got[0]![name]], [name, value])
    }
  })
}

test('the spans of gateway and services are one tree', async () => {
  const traceparent = `00-${'a1'.repeat(16)}-${SPAN}-01`
  await mesh.get('edge', { headers: { traceparent } })
  const mine = await waitFor(
    () => {
      const found = spans.filter(({ traceId }) => traceId === 'a1'.repeat(16))
      // Of three requests: the gateway's span and its try, the service's; and two calls between them.
      return found.length >= 11 ? found : null
    },
    { what: 'eleven spans' },
  )
  equal(mine.length, 11)
  const known = new Map(mine.map((span) => [span.spanId, span]))
  equal(known.size, 11)
  const roots = mine.filter(({ parentSpanId }) => !known.has(parentSpanId ?? ''))
  deepEqual(
    roots.map(({ parentSpanId }) => parentSpanId),
    [SPAN],
    'one root, whose parent is the client’s span',
  )
  const path: string[] = []
  for (
    let at = mine.find(({ service, kind }) => service === 'last' && kind === 2);
    at;
    at = known.get(at.parentSpanId ?? '')
  )
    path.unshift(at.service)
  ok(
    path.filter((name) => ['edge', 'middle', 'last'].includes(name)).join() ===
      'edge,edge,middle,middle,last',
    path.join(),
  )
  equal(path.length, 8)
  await isOneTreeInTheOperator('a1'.repeat(16))
})

interface Told {
  readonly spans: { readonly service: string; readonly kind: string; readonly depth: number }[]
  readonly services_involved: string[]
  readonly dependencies: { readonly caller: string; readonly callee: string; readonly via: string | null }[]
}

async function isOneTreeInTheOperator(traceId: string): Promise<void> {
  const read = async (path: string) =>
    (await (await fetch(`${mesh.operator().url}/api/v1/mesh/v2${path}`)).json()) as Told
  const trace = await waitFor(
    async () => {
      const found = await read(`/traces/${traceId}`)
      return found.spans?.length === 11 ? found : null
    },
    { what: 'eleven spans in the operator' },
  )
  deepEqual(trace.services_involved, ['edge', 'kong', 'last', 'middle'])
  equal(trace.spans.filter(({ depth }) => depth === 0).length, 1)
  const tries = trace.spans.filter(({ service, kind }) => service === 'kong' && kind === 'client')
  equal(tries.length, 3)
  const { dependencies } = await read('/dependencies')
  const through = dependencies.filter(({ via }) => via === 'kong')
  deepEqual(
    through.map(({ caller, callee }) => `${caller} > ${callee}`),
    ['edge > middle', 'middle > last'],
  )
}
