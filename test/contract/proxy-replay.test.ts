import { deepEqual, equal } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { type EchoBehaviour, type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { freePorts } from '../support/free-port.ts'
import { type KongUnderTest, type ProxyAnswer, startKongUnderTest } from '../support/kong-under-test.ts'
import { waitFor } from '../support/wait-for.ts'

interface Recording {
  readonly setup: readonly [method: string, path: string, body: unknown][]
  readonly rows: readonly Row[]
}

interface Row {
  readonly request: {
    readonly path: string
    readonly method?: string
    readonly host?: string
    readonly headers?: Readonly<Record<string, string | readonly string[]>>
    readonly bodyBytes?: number
  }
  readonly upstreamState?: Readonly<Record<string, EchoBehaviour>>
  readonly response: {
    readonly status: number
    readonly upstream: {
      readonly port: number | 'pool'
      readonly method: string
      readonly url: string
      readonly bytes: number
      readonly headers: Readonly<Record<string, string>>
    } | null
    readonly body?: string | Readonly<Record<string, unknown>>
    readonly headers: Readonly<Record<string, string>>
    readonly has: readonly string[]
  }
}

const RECORDED_PORTS = [29501, 29502, 29503, 29504] as const
const REFUSING_PORT = 29509
const LATENCIES = ['x-kong-upstream-latency', 'x-kong-proxy-latency', 'x-kong-response-latency']

const recording: Recording = JSON.parse(
  readFileSync(new URL('../fixtures/golden/proxy-behaviour.json', import.meta.url), 'utf8'),
)
/** Every header that some row saw upstream: where a row does not name it, it must be absent. */
const watched = new Set(recording.rows.flatMap((row) => Object.keys(row.response.upstream?.headers ?? {})))

let kong: KongUnderTest
const echoes = new Map<number, EchoServer>()
const ports = new Map<number, number>()

before(async () => {
  for (const port of RECORDED_PORTS) {
    const echo = await startEchoServer()
    echoes.set(port, echo)
    ports.set(port, echo.port)
  }
  ports.set(REFUSING_PORT, (await freePorts(1))[0]!)
  kong = await startKongUnderTest()
  for (const [method, path, body] of recording.setup) {
    const { status } = await kong.admin(method, path, JSON.parse(withOurPorts(JSON.stringify(body))))
    equal(status < 300, true, `${method} ${path} answered ${status}`)
  }
  const last = () => kong.request({ path: '/vb/nx' }).then((answer) => answer.status === 503)
  await waitFor(last, { pollMs: 100, what: 'the last route being live' })
})

after(async () => {
  await kong.close()
  for (const echo of echoes.values()) await echo.close()
})

for (const [index, row] of recording.rows.entries()) {
  const { method = 'GET', path, host } = row.request
  test(`row ${index}: ${method} ${path}${host ? ` for ${host}` : ''} is answered as recorded`, async () => {
    for (const [port, echo] of echoes) echo.behave(row.upstreamState?.[port] ?? {})
    const answer = await kong.request({
      path,
      method,
      ...(host ? { host } : {}),
      ...(row.request.headers ? { headers: row.request.headers } : {}),
      ...(row.request.bodyBytes ? { body: 'x'.repeat(row.request.bodyBytes) } : {}),
    })
    equal(answer.status, row.response.status)
    deepEqual(shownHeaders(answer, row), row.response.headers)
    deepEqual(
      LATENCIES.filter((name) => answer.headers[name] !== undefined),
      LATENCIES.filter((name) => row.response.has.includes(name)),
    )
    equal(/^[0-9a-f]{32}$/.test(String(answer.headers['x-kong-request-id'])), true)
    if (row.response.upstream) deepEqual(seenUpstream(answer, row), row.response.upstream)
    else deepEqual(shownBody(answer, row), row.response.body)
  })
}

function shownHeaders(answer: ProxyAnswer, row: Row): Record<string, unknown> {
  return Object.fromEntries(Object.keys(row.response.headers).map((name) => [name, answer.headers[name]]))
}

function seenUpstream(answer: ProxyAnswer, row: Row): unknown {
  const { port, method, url, bytes, headers } = JSON.parse(answer.text)
  const recorded = [...ports].find(([, ours]) => ours === port)?.[0]
  const isPool = recorded === 29501 || recorded === 29502
  const kept = Object.entries(headers as Record<string, string>)
    .filter(([name]) => watched.has(name))
    .map(([name, value]) => [name, name === 'host' ? recordedHost(value, isPool) : value] as const)
    .map(([name, value]) => [
      name,
      name === 'x-forwarded-port' && value === String(kong.proxyPort) ? '<proxy port>' : value,
    ])
  equal(row.response.upstream !== null, true)
  return { port: isPool ? 'pool' : recorded, method, url, bytes, headers: Object.fromEntries(kept) }
}

function recordedHost(host: string, isPool: boolean): string {
  for (const [recorded, ours] of ports) {
    if (host.endsWith(`:${ours}`)) return host.replace(`:${ours}`, isPool ? ':<pool>' : `:${recorded}`)
  }
  return host
}

function shownBody(answer: ProxyAnswer, row: Row): unknown {
  const id = String(answer.headers['x-kong-request-id'])
  if (typeof row.response.body !== 'object') return answer.text.replace(id, '<id>')
  const { request_id: requestId, ...rest } = JSON.parse(answer.text)
  return { ...rest, hasRequestId: requestId === id }
}

function withOurPorts(text: string): string {
  return [...ports].reduce(
    (result, [recorded, ours]) => result.replaceAll(String(recorded), String(ours)),
    text,
  )
}
