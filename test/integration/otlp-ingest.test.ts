import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { deflateSync, gzipSync } from 'node:zlib'
import { context, trace } from '@opentelemetry/api'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { TokenBook } from '../../operator/access/token-book.ts'
import * as pb from '../support/otlp-protobuf.ts'
import { jsonRequest, jsonSpan, traceId } from '../support/otlp-spans.ts'
import { type Loose, startTraceServer, type TraceServer } from '../support/trace-server.ts'

const VECTORS = join(import.meta.dirname, '..', 'fixtures', 'vectors')
const SAMPLE_JSON = readFileSync(join(VECTORS, 'otlp-sample.json'))
const SAMPLE_PB = readFileSync(join(VECTORS, 'otlp-sample.pb'))
const SAMPLE_ID = 'ece27c56c8c8a0ac8b7a895ea7d23bc8'
const JSON_TYPE = 'application/json'
const PB_TYPE = 'application/x-protobuf'
const BOMB = gzipSync(Buffer.alloc(64 * 1024 * 1024, 0x20))

let server: TraceServer
before(async () => {
  server = await startTraceServer()
})
after(() => server.close())

interface Sent {
  readonly method?: string
  readonly type?: string | null
  readonly packed?: string
  readonly body?: Uint8Array | string
  readonly headers?: Record<string, string>
}

async function post(
  { method = 'POST', type = JSON_TYPE, packed, body, headers = {} }: Sent,
  url = server.url,
) {
  const answer = await fetch(`${url}/v1/traces`, {
    method,
    headers: {
      ...(type === null ? {} : { 'content-type': type }),
      ...(packed === undefined ? {} : { 'content-encoding': packed }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: body as string }),
  })
  const bytes = Buffer.from(await answer.arrayBuffer())
  return { status: answer.status, type: answer.headers.get('content-type'), headers: answer.headers, bytes }
}

const one = (id: number, over: object = {}) =>
  JSON.stringify({
    resourceSpans: [{ scopeSpans: [{ spans: [{ ...jsonSpan({ trace: id, id }), ...over }] }] }],
  })

/** What is probed, what is sent, status, and what the body says. */
const PROBES: readonly (readonly [what: string, sent: Sent, status: number, says: RegExp])[] = [
  ['JSON', { body: SAMPLE_JSON }, 200, /^\{\}$/],
  ['protobuf', { type: PB_TYPE, body: SAMPLE_PB }, 200, /^$/],
  ['JSON with gzip', { packed: 'gzip', body: gzipSync(SAMPLE_JSON) }, 200, /^\{\}$/],
  ['protobuf with gzip', { type: PB_TYPE, packed: 'gzip', body: gzipSync(SAMPLE_PB) }, 200, /^$/],
  ['deflate', { packed: 'deflate', body: deflateSync(SAMPLE_JSON) }, 200, /^\{\}$/],
  ['identity', { packed: 'identity', body: SAMPLE_JSON }, 200, /^\{\}$/],
  ['a charset', { type: 'application/json; charset=utf-8', body: SAMPLE_JSON }, 200, /^\{\}$/],
  [
    'another case of the type',
    { type: 'Application/JSON;CHARSET="UTF-8"', body: SAMPLE_JSON },
    200,
    /^\{\}$/,
  ],
  ['a parameter of protobuf', { type: `${PB_TYPE}; v=1`, body: SAMPLE_PB }, 200, /^$/],
  ['an empty request in JSON', { body: '{}' }, 200, /^\{\}$/],
  ['an empty list', { body: '{"resourceSpans":[]}' }, 200, /^\{\}$/],
  ['an empty request in protobuf', { type: PB_TYPE, body: '' }, 200, /^$/],
  ['upper-case ids', { body: one(70, { traceId: traceId(70).toUpperCase() }) }, 200, /^\{\}$/],
  [
    'an id in base64',
    { body: one(71, { traceId: 'AAAAAAAAAAAAAAAAAAAARw==' }) },
    200,
    /"rejectedSpans":"1","errorMessage":"trace_id/,
  ],
  ['an id of zeros', { body: one(72, { spanId: '0000000000000000' }) }, 200, /"rejectedSpans":"1"/],
  ['fields nobody knows', { body: one(73, { whatever: [1, { a: null }] }) }, 200, /^\{\}$/],
  ['an empty body as JSON', { body: '' }, 400, /"code":3,"message":"the body is not JSON/],
  ['half of a JSON', { body: '{"resourceSpans":[' }, 400, /"code":3/],
  ['JSON that is a list', { body: '[]' }, 400, /"code":3,"message":"the body is no object"/],
  [
    'spans that are a number',
    { body: '{"resourceSpans":[{"scopeSpans":[{"spans":5}]}]}' },
    400,
    /spans is no list/,
  ],
  ['no UTF-8', { body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]) }, 400, /the body is not UTF-8/],
  ['half of a protobuf', { type: PB_TYPE, body: SAMPLE_PB.subarray(0, 100) }, 400, /a field is longer/],
  ['JSON called protobuf', { type: PB_TYPE, body: '{"resourceSpans":[]}' }, 400, /./],
  ['no gzip called gzip', { packed: 'gzip', body: SAMPLE_JSON }, 400, /the body is not gzip/],
  [
    'half of a gzip',
    { packed: 'gzip', body: gzipSync(SAMPLE_JSON).subarray(0, 100) },
    400,
    /the body is not gzip/,
  ],
  ['another packing', { packed: 'zstd', body: SAMPLE_JSON }, 415, /gzip or deflate/],
  ['the name of a property as packing', { packed: 'constructor', body: SAMPLE_JSON }, 415, /gzip or deflate/],
  ['text', { type: 'text/plain', body: SAMPLE_JSON }, 415, /"code":3,"message":"spans come as/],
  ['a form', { type: 'application/x-www-form-urlencoded', body: 'a=b' }, 415, /spans come as/],
  ['another charset', { type: 'application/json; charset=utf-16', body: SAMPLE_JSON }, 415, /spans come as/],
  ['a type that is none', { type: 'json', body: SAMPLE_JSON }, 415, /"code":3/],
  ['no type', { type: null, body: SAMPLE_JSON }, 415, /spans come as/],
  ['more than 16 MiB', { body: Buffer.alloc(17 * 1024 * 1024, 0x20) }, 413, /"code":8/],
  ['64 MiB packed into 64 KiB', { packed: 'gzip', body: BOMB }, 413, /"code":8,"message":"the body unpacks/],
  ['GET', { method: 'GET', type: null }, 405, /"code":12,"message":"spans come by POST"/],
  ['PUT', { method: 'PUT', body: SAMPLE_JSON }, 405, /"code":12/],
  ['DELETE', { method: 'DELETE', type: null }, 405, /"code":12/],
  [
    'a page of another site',
    { body: SAMPLE_JSON, headers: { origin: 'http://evil.example' } },
    403,
    /"code":7/,
  ],
]

for (const [what, sent, status, says] of PROBES) {
  test(`${what}: ${status}`, async () => {
    const answer = await post(sent)
    equal(answer.status, status, answer.bytes.toString())
    match(answer.bytes.toString(), says)
    equal(answer.type, sent.type?.startsWith(PB_TYPE) ? PB_TYPE : JSON_TYPE)
    if (status === 405) equal(answer.headers.get('allow'), 'POST')
  })
}

test('what is refused in protobuf is told in protobuf', async () => {
  const partial = await post({
    type: PB_TYPE,
    body: pb.requestBytes({
      resourceSpans: [
        {
          resource: { attributes: [] },
          scopeSpans: [{ spans: [{ ...jsonSpan({ id: 1 }), spanId: 'abcd' }] }],
        },
      ],
    }),
  })
  const reason = 'span_id is not 16 hex digits that are not all 0'
  deepEqual(partial.bytes, pb.message(1, pb.int(1, 1), pb.text(2, reason)))
  const wrong = await post({ type: PB_TYPE, body: Buffer.from([0xff]) })
  deepEqual(
    [wrong.status, wrong.bytes],
    [400, Buffer.concat([pb.int(1, 3), pb.text(2, 'the body ends within a field')])],
  )
})

test('the sample is one trace, and is found as soon as its POST is answered', async () => {
  await post({ body: SAMPLE_JSON })
  const { body } = await server.get(`/api/v1/mesh/v2/traces/${SAMPLE_ID}`)
  deepEqual(
    body.spans.map((span: Loose) => [span.depth, span.operation, span.kind, span.service, span.is_error]),
    [
      [0, 'GET /orders', 'server', 'kong', false],
      [1, 'GET', 'client', 'kong', true],
    ],
  )
})

test('a body that comes in chunks without a length is taken', async () => {
  const { hostname, port } = new URL(server.url)
  const body = SAMPLE_JSON.toString()
  const socket = connect(Number(port), hostname)
  const chunks = [body.slice(0, 700), body.slice(700)].map(
    (part) => `${part.length.toString(16)}\r\n${part}\r\n`,
  )
  socket.end(
    `POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${chunks.join('')}0\r\n\r\n`,
  )
  let text = ''
  for await (const part of socket) text += part
  match(text, /^HTTP\/1\.1 200 OK/)
})

test('who sends more at once than can be read is told when to come again', async () => {
  const small = await startTraceServer({ otlp: { mostWaitingBytes: 100 } })
  try {
    const answer = await post({ body: SAMPLE_JSON }, small.url)
    deepEqual([answer.status, answer.headers.get('retry-after')], [429, '1'])
    match(answer.bytes.toString(), /"code":8/)
    equal((await post({ body: '{}' }, small.url)).status, 200)
  } finally {
    await small.close()
  }
})

test('400 requests at once are no reason to refuse: the limit of writes is not for spans', async () => {
  for (let i = 0; i < 400; i++) equal((await post({ body: '{}' })).status, 200)
})

const TOKENS = { read: 'r'.repeat(20), write: 'w'.repeat(20), ingest: 'i'.repeat(20), feed: 'f'.repeat(20) }

test('elsewhere than on loopback a token that may send spans is needed', async () => {
  const tokens = {
    find: (token: string) => {
      const rights = (['read', 'write', 'ingest'] as const).find((each) => TOKENS[each] === token)
      return rights === undefined ? null : { name: rights, rights }
    },
  } satisfies Pick<TokenBook, 'find'>
  const open = await startTraceServer({
    server: { host: '0.0.0.0', guard: { tokens, feedToken: TOKENS.feed } },
  })
  const url = open.url.replace('0.0.0.0', '127.0.0.1')
  const status = async (token: string | null, path = '/v1/traces', method = 'POST') => {
    const headers = {
      'content-type': JSON_TYPE,
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    }
    const answer = await fetch(`${url}${path}`, {
      method,
      headers,
      ...(method === 'POST' ? { body: '{}' } : {}),
    })
    await answer.arrayBuffer()
    return answer.status
  }
  try {
    deepEqual(
      [
        await status(null),
        await status('x'.repeat(20)),
        await status(TOKENS.read),
        await status(TOKENS.write),
        await status(TOKENS.ingest),
        await status(TOKENS.feed),
      ],
      [401, 401, 403, 200, 200, 200],
    )
    const traces = '/api/v1/mesh/v2/traces'
    deepEqual(
      [
        await status(TOKENS.ingest, traces, 'GET'),
        await status(TOKENS.feed, traces, 'GET'),
        await status(TOKENS.read, traces, 'GET'),
      ],
      [403, 401, 200],
    )
    const refused = await post({ body: '{}' }, url)
    deepEqual(
      [refused.headers.get('www-authenticate'), JSON.parse(refused.bytes.toString()).code],
      ['Bearer', 16],
    )
  } finally {
    await open.close()
  }
})

for (const [name, Exporter, isPacked] of [
  ['JSON', JsonExporter, false],
  ['JSON with gzip', JsonExporter, true],
  ['protobuf', ProtobufExporter, false],
  ['protobuf with gzip', ProtobufExporter, true],
] as const) {
  test(`the exporter of OpenTelemetry JS for ${name} works unchanged`, async () => {
    const exporter = new Exporter({
      url: `${server.url}/v1/traces`,
      ...(isPacked ? { compression: 'gzip' as never } : {}),
    })
    const service = `sdk-${name.replaceAll(' ', '-').toLowerCase()}`
    const provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': service, 'service.version': '1.2.3' }),
      spanProcessors: [new BatchSpanProcessor(exporter)],
    })
    const tracer = provider.getTracer('test-lib', '0.1.0')
    const parent = tracer.startSpan('GET /x', {
      kind: 1,
      attributes: { 'http.route': '/x', list: ['a', 'b'], ratio: 0.5 },
    })
    const child = tracer.startSpan('query', { kind: 2 }, trace.setSpan(context.active(), parent))
    child.addEvent('retry', { n: 1 })
    child.setStatus({ code: 2, message: 'boom' })
    child.end()
    parent.end()
    await provider.forceFlush()
    await provider.shutdown()
    const { body } = await server.get(`/api/v1/mesh/v2/traces?service=${service}`)
    equal(body.total, 1)
    ok(Date.now() - Date.parse(body.kept_since) < 600_000)
    const { body: tree } = await server.get(`/api/v1/mesh/v2/traces/${body.traces[0].trace_id}`)
    const [first, second] = tree.spans
    deepEqual([first.operation, first.kind, first.scope], ['GET /x', 'server', 'test-lib 0.1.0'])
    deepEqual(
      [first.attributes.ratio, first.attributes.list, first.resource['service.version']],
      [0.5, '["a","b"]', '1.2.3'],
    )
    deepEqual(
      [second.parent_span_id, second.operation, second.status, second.status_message, second.depth],
      [first.span_id, 'query', 'error', 'boom', 1],
    )
    deepEqual([second.events[0].name, second.events[0].attributes], ['retry', { n: 1 }])
  })
}

test('hostile spans are bounded, counted, and harm nobody', async () => {
  const hostile = await startTraceServer({ bounds: { maxSpansPerTrace: 50 } })
  try {
    const huge = '<script>alert(1)</script>'.repeat(300_000)
    const at = (id: number, over: object = {}) => ({ ...jsonSpan({ trace: 5, id }), ...over })
    const spans = [
      at(1, {
        name: huge.slice(0, 5_000_000),
        attributes: [{ key: '__proto__', value: { stringValue: huge } }],
      }),
      at(2, { parentSpanId: '0000000000000003' }),
      at(3, { parentSpanId: '0000000000000002' }),
      at(4, { parentSpanId: '0000000000000004' }),
      at(5, { startTimeUnixNano: '0', endTimeUnixNano: '0' }),
      at(6, { startTimeUnixNano: '18446744073709551615', endTimeUnixNano: '1' }),
      at(1, { name: 'again' }),
      ...Array.from({ length: 100 }, (_, i) => at(100 + i)),
    ]
    const answer = await hostile.send({ resourceSpans: [{ scopeSpans: [{ spans }] }] })
    const { partialSuccess } = (await answer.json()) as Loose
    equal(answer.status, 200)
    deepEqual(
      [partialSuccess.rejectedSpans, partialSuccess.errorMessage],
      ['56', 'a trace has too many spans'],
    )
    const { counts } = hostile.collector
    deepEqual([counts.kept, counts.duplicate, counts.overLimit], [50, 1, 56])
    equal(counts.notes.valuesCut, 2)
    const { body } = await hostile.get(`/api/v1/mesh/v2/traces/${traceId(5)}`)
    deepEqual([body.span_count, body.dropped_spans, body.spans.length], [50, 56, 50])
    equal(
      Object.keys(body.spans.find((span: Loose) => span.span_id === '0000000000000001').attributes)[0],
      '__proto__',
    )
    ok(JSON.stringify(body).length < 60_000)
    for (const path of [
      '/api/v1/mesh/v2/traces',
      '/api/v1/mesh/v2/bottlenecks',
      '/api/v1/mesh/v2/dependencies',
      `/api/traces/${traceId(5)}`,
    ]) {
      equal((await hostile.get(path)).status, 200, path)
    }
  } finally {
    await hostile.close()
  }
})

test('what Jaeger’s UI and Grafana ask is answered as Jaeger does', async () => {
  await server.send(
    jsonRequest([
      { trace: 900, id: 901, service: 'shop', name: 'GET /', kind: 'server', ms: 20 },
      {
        trace: 900,
        id: 902,
        parent: 901,
        service: 'shop',
        name: 'query',
        kind: 'client',
        startMs: 1,
        ms: 5,
        attributes: { 'db.system.name': 'redis', n: 3, ok: true },
        isError: true,
      },
    ]),
  )
  const services = await server.get('/api/services')
  ok(services.body.data.includes('shop'))
  deepEqual(Object.keys(services.body), ['data', 'total', 'limit', 'offset', 'errors'])
  deepEqual((await server.get('/api/services/shop/operations')).body.data, ['GET /', 'query'])
  deepEqual((await server.get('/api/operations?service=shop&spanKind=client')).body.data, [
    { name: 'query', spanKind: 'client' },
  ])
  const query =
    'service=shop&limit=20&lookback=1h&maxDuration&minDuration&operation=query&tags=%7B%22error%22%3A%22true%22%7D&start=1&end=9999999999999999&extra=1'
  const { body } = await server.get(`/api/traces?${query}`)
  const [found] = body.data
  equal(found.traceID, traceId(900))
  const span = found.spans.find((each: Loose) => each.operationName === 'query')
  deepEqual(span.references, [{ refType: 'CHILD_OF', traceID: traceId(900), spanID: '0000000000000385' }])
  deepEqual(
    [span.duration, span.startTime, found.processes[span.processID].serviceName],
    [5_000, 1_795_454_388_001_000, 'shop'],
  )
  deepEqual(
    span.tags.map(({ key, type, value }: Loose) => [key, type, value]),
    [
      ['db.system.name', 'string', 'redis'],
      ['n', 'int64', 3],
      ['ok', 'bool', true],
      ['span.kind', 'string', 'client'],
      ['otel.status_code', 'string', 'ERROR'],
      ['error', 'bool', true],
    ],
  )
  equal((await server.get('/api/traces?service=shop&minDuration=10ms&operation=query')).body.data.length, 0)
  equal((await server.get(`/api/traces?traceID=${traceId(900)}&traceID=${traceId(1e9)}`)).body.data.length, 1)
  equal((await server.get('/api/traces/384')).body.data[0].traceID, traceId(900))
  ok(
    (await server.get('/api/dependencies?endTs=1&lookback=86400000')).body.data.some(
      (each: Loose) => each.parent === 'shop' && each.child === 'redis' && each.callCount === 1,
    ),
  )
  for (const [path, status] of [
    ['/api/traces/abc', 404],
    ['/api/traces', 400],
    ['/api/traces?service=shop&minDuration=soon', 400],
    ['/api/traces?service=shop&tags=x', 400],
  ] as const) {
    const { status: got, body: refused } = await server.get(path)
    deepEqual([got, refused.data, refused.errors[0].code], [status, null, status], path)
  }
})
