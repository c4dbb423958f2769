// Headers through a service over real sockets: served by node:http or a middleware, called by fetch, request and axios.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import axios from 'axios'
import { installAxios } from '../../../operator/client/mesh-axios.ts'
import { meshFetch } from '../../../operator/client/mesh-fetch.ts'
import { meshRequest } from '../../../operator/client/mesh-request.ts'
import { handlerOf, middlewareOf } from '../../../operator/client/serve.ts'
import { Tracing } from '../../../operator/client/tracing.ts'
import { createRandomSource } from '../../../plugins/propagation/ids.ts'
import type { Span } from '../../../plugins/spans/span.ts'
import { waitFor } from '../../support/wait-for.ts'

const servers: Server[] = []
after(() => {
  for (const server of servers) server.close().closeAllConnections()
})
async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const called = await listen(async (request, answer) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks).toString()
  if (request.url === '/gone') return void answer.destroy()
  if (request.url === '/none') return void answer.writeHead(204).end()
  const status = Number(new URL(request.url!, 'http://x').searchParams.get('status') ?? 200)
  answer.writeHead(status, { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] })
  answer.end(JSON.stringify({ method: request.method, url: request.url, body, headers: request.headers }))
})

function clientOf(isRecorded = true) {
  const spans: Span[] = []
  const record = isRecorded ? (span: Span) => void spans.push(span) : null
  const options = { forward: ['x-request-id'], samplingRate: 1, random: createRandomSource(), record }
  const tracing = new Tracing(options)
  const signer = { authorization: () => 'Bearer token' }
  const calling = { tracing, signer, proxy: called, hostSuffix: 'mesh' }
  return { spans, record, tracing, calling, fetch: meshFetch(calling) }
}

const CAME = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'x-request-id': 'r1' }
// biome-ignore lint/suspicious/noExplicitAny: of the service above
type Echo = any

const byNode = async (made: ReturnType<typeof clientOf>, url: string): Promise<Echo> => {
  const request = meshRequest(made.calling, url, { headers: { 'X-Own': '1' } })
  request.end()
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) text += chunk
  return JSON.parse(text)
}
const byFetch = async (made: ReturnType<typeof clientOf>, url: string): Promise<Echo> =>
  await (await made.fetch(url, { headers: { 'X-Own': '1' } })).json()
const byAxios = async (made: ReturnType<typeof clientOf>, url: string): Promise<Echo> => {
  const instance = axios.create()
  installAxios(made.calling, instance)
  return (await instance.get(url, { headers: { 'X-Own': '1' } })).data
}

for (const [how, call] of [
  ['fetch', byFetch],
  ['request', byNode],
  ['axios', byAxios],
] as const) {
  for (const [what, url, host] of [
    ['a host of the mesh through the proxy', 'http://api.mesh/users?id=1', 'api.mesh'],
    ['any other directly', `${called}/users?id=1`, new URL(called).host],
  ] as const) {
    test(`${how} asks ${what}, with the trace of the request that is served`, async () => {
      const made = clientOf()
      const url1 = await listen(
        handlerOf(
          made.tracing,
          made.record,
        )(async (_request, answer) => {
          await new Promise(setImmediate)
          answer.end(JSON.stringify(await call(made, url)))
        }),
      )
      const { headers, url: path } = (await (
        await fetch(`${url1}/in?secret=1`, { headers: CAME })
      ).json()) as Echo
      deepEqual(
        [headers.host, path, headers['x-own'], headers['x-request-id']],
        [host, '/users?id=1', '1', 'r1'],
      )
      await waitFor(() => made.spans.length === 2)
      const client = made.spans.find(({ kind }) => kind === 'client')!
      const server = made.spans.find(({ kind }) => kind === 'server')!
      equal(headers.traceparent, `00-0af7651916cd43dd8448eb211c80319c-${client.spanId}-01`)
      deepEqual([client.parentSpanId, server.parentSpanId], [server.spanId, 'b7ad6b7169203331'])
      deepEqual([server.isParentRemote, client.isParentRemote], [true, false])
      deepEqual([client.name, client.attributes['http.response.status_code']], ['GET', 200])
      deepEqual([client.attributes['url.path'], server.attributes['url.path']], ['/users', '/in'])
      equal(client.attributes['peer.service'], host === 'api.mesh' ? 'api' : undefined)
      ok(server.startMs <= client.startMs && client.endMs <= server.endMs + 1)
    })
  }

  test(`${how} leaves a trace alone that the application gave the call`, async () => {
    const made = clientOf()
    const own = { b3: '80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1' }
    await made.tracing.run(CAME, async () => {
      const instance = axios.create()
      installAxios(made.calling, instance)
      const echo: Echo =
        how === 'fetch'
          ? await (await made.fetch(called, { headers: own })).json()
          : how === 'axios'
            ? (await instance.get(called, { headers: own })).data
            : await new Promise((resolve) =>
                meshRequest(made.calling, called, { headers: own }, async (answer) => {
                  let text = ''
                  for await (const chunk of answer.setEncoding('utf8')) text += chunk
                  resolve(JSON.parse(text))
                }).end(),
              )
      deepEqual([echo.headers.b3, echo.headers.traceparent], [own.b3, undefined])
    })
    equal(made.spans.length, 0)
  })
}

test('without spans the headers go on as they came, and nothing is recorded', async () => {
  const made = clientOf(false)
  const echo = await made.tracing.run(CAME, () => byFetch(made, called))
  equal(echo.headers.traceparent, CAME.traceparent)
  equal(made.spans.length, 0)
})

test('a call outside of any work begins a trace, as its root', async () => {
  const made = clientOf()
  const echo = await byFetch(made, called)
  equal(made.spans[0]!.parentSpanId, null)
  match(echo.headers.traceparent, new RegExp(made.spans[0]!.spanId))
})

test('requests that are served at once do not mix', async () => {
  const made = clientOf(false)
  const url = await listen(
    handlerOf(
      made.tracing,
      null,
    )(async (request, answer) => {
      await new Promise((done) => setTimeout(done, Number(request.url!.slice(1)) % 7))
      answer.end((await byFetch(made, called)).headers.traceparent)
    }),
  )
  const ids = Array.from(
    { length: 50 },
    (_, at) => `00-${String(at + 1).padStart(32, '0')}-b7ad6b7169203331-01`,
  )
  const answers = await Promise.all(
    ids.map(async (traceparent, at) => (await fetch(`${url}/${at}`, { headers: { traceparent } })).text()),
  )
  deepEqual(answers, ids)
})

test('the middleware hands on, errors of what follows too, and names the route that express found', async () => {
  const made = clientOf()
  const middleware = middlewareOf(made.tracing, made.record)
  const url = await listen((request, answer) => {
    middleware(request, answer, () => {
      Object.assign(request, { route: { path: '/:id' }, baseUrl: '/users', originalUrl: '/users/7' })
      answer.statusCode = 500
      answer.end(JSON.stringify(made.tracing.headers()))
    })
  })
  const told = (await (await fetch(url, { headers: CAME })).json()) as Echo
  await waitFor(() => made.spans.length === 1)
  const [span] = made.spans
  deepEqual([span!.name, span!.isError, span!.attributes['error.type']], ['GET /users/:id', true, '500'])
  equal(
    told.traceparent,
    `00-0af7651916cd43dd8448eb211c80319c-${span!.spanId}-01`,
    'headers name the work itself',
  )
})

test('bodies, statuses and repeated headers pass through the proxy', async () => {
  const { fetch: send } = clientOf()
  const answer = await send('http://api.mesh/x?status=418', { method: 'POST', body: 'hello' })
  equal(answer.status, 418)
  deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2'])
  const echo: Echo = await answer.json()
  deepEqual([echo.method, echo.body, echo.headers.host], ['POST', 'hello', 'api.mesh'])
  const stream = new Blob(['a'.repeat(100_000)]).stream()
  const long = await send('http://api.mesh/', { method: 'PUT', body: stream, duplex: 'half' } as RequestInit)
  equal(((await long.json()) as Echo).body.length, 100_000)
  equal((await send('http://api.mesh/none')).status, 204)
  equal((await send(new Request('http://api.mesh/y', { method: 'HEAD' }))).status, 200)
})

test('a call without an answer fails as it does without the mesh, and its span says so', async () => {
  const made = clientOf()
  await rejects(made.fetch('http://api.mesh/gone'), TypeError)
  await rejects(made.fetch(`${called}/gone`), TypeError)
  await rejects(made.fetch('http://api.mesh/', { signal: AbortSignal.abort(new Error('enough')) }), /enough/)
  const instance = axios.create({ baseURL: 'http://api.mesh/' })
  const off = installAxios(made.calling, instance)
  await rejects(instance.get('/gone'))
  await rejects(instance.get('x?status=404'))
  const request = meshRequest(made.calling, `${called}/gone`)
  request.end()
  await rejects(once(request, 'response'))
  await waitFor(() => made.spans.length === 6)
  ok(made.spans.every(({ isError }) => isError))
  ok(made.spans.some(({ attributes }) => attributes['error.type'] === '404'))
  off()
  await instance.get(called)
  equal(made.spans.length, 6, 'what was installed is gone')
})

test('calls to the mesh say who calls, others do not, and what the application says in its place stays', async () => {
  const { fetch: send, calling } = clientOf()
  const seenBy = async (answer: Response) => ((await answer.json()) as Echo).headers.authorization
  equal(await seenBy(await send('http://api.mesh/')), 'Bearer token')
  equal(await seenBy(await send(`${called}/`)), undefined)
  const own = { headers: { Authorization: 'Basic own' } }
  equal(await seenBy(await send('http://api.mesh/', own)), 'Basic own')
  const instance = axios.create()
  installAxios(calling, instance)
  equal((await instance.get('http://api.mesh/')).data.headers.authorization, 'Bearer token')
  equal((await instance.get('http://api.mesh/', own)).data.headers.authorization, 'Basic own')
  const request = meshRequest(calling, 'http://api.mesh/', own)
  equal(request.getHeader('authorization'), 'Basic own')
  request.destroy()
  request.on('error', () => {})
})
