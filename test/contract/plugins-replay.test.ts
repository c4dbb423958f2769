import { deepEqual, equal } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { type KongUnderTest, type ProxyAnswer, startKongUnderTest } from '../support/kong-under-test.ts'
import { configureAsRecorded, type RecordedConfig } from '../support/recorded-kong.ts'
import { waitFor } from '../support/wait-for.ts'

interface Recording {
  readonly config: RecordedConfig
  readonly rows: readonly Row[]
}

interface Row {
  readonly request: {
    readonly path: string
    readonly method?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly bodyBytes?: number
  }
  readonly response: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly upstream: { readonly url: string; readonly headers: Readonly<Record<string, string>> } | null
    readonly body?: unknown
  }
}

/** Headers whose value is an id that differs from run to run, or depends on the clock. */
const VARYING = new Set(['ratelimit-reset', 'retry-after', 'x-consumer-id', 'x-credential-identifier'])

const recording: Recording = JSON.parse(
  readFileSync(new URL('../fixtures/golden/plugins-behaviour.json', import.meta.url), 'utf8'),
)
/** Every header some row saw upstream: where a row does not name it, it must be absent. */
const watched = new Set(recording.rows.flatMap((row) => Object.keys(row.response.upstream?.headers ?? {})))

let kong: KongUnderTest
let echo: EchoServer

before(async () => {
  echo = await startEchoServer()
  kong = await startKongUnderTest()
  await configureAsRecorded(kong, recording.config, echo.port)
  const isLive = async () =>
    (await kong.request({ path: '/cors', method: 'DELETE' })).headers['vary'] !== undefined
  await waitFor(isLive, { pollMs: 100, what: 'the last plugin being live' })
})

after(async () => {
  await kong.close()
  await echo.close()
})

for (const [index, row] of recording.rows.entries()) {
  const { path, method = 'GET', headers, bodyBytes } = row.request
  test(`row ${index}: ${method} ${path} is answered as recorded`, async () => {
    if (path.startsWith('/rl')) await waitForCalmClock(index)
    const answer = await kong.request({
      path,
      method,
      ...(headers ? { headers } : {}),
      ...(bodyBytes ? { body: 'x'.repeat(bodyBytes) } : {}),
    })
    equal(answer.status, row.response.status)
    deepEqual(shown(answer.headers, row.response.headers), fixed(row.response.headers))
    if (row.response.upstream)
      deepEqual(seenUpstream(answer), {
        ...row.response.upstream,
        headers: fixed(row.response.upstream.headers),
      })
    else if (row.response.body !== undefined) deepEqual(shownBody(answer), row.response.body)
  })
}

/** Limits count by calendar second and minute: their rows must not begin just before one ends. */
async function waitForCalmClock(index: number): Promise<void> {
  if (recording.rows[index - 1]?.request.path === recording.rows[index]?.request.path) return
  const isCalm = () => Date.now() % 1000 < 400 && Date.now() % 60_000 < 50_000
  await waitFor(isCalm, { what: 'a second and a minute with enough time left' })
}

function shown(
  headers: ProxyAnswer['headers'],
  wanted: Readonly<Record<string, string>>,
): Record<string, unknown> {
  return fixed(Object.fromEntries(Object.keys(wanted).map((name) => [name, headers[name]])))
}

function fixed(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      VARYING.has(name) && value !== undefined ? '<varies>' : value,
    ]),
  )
}

function seenUpstream(answer: ProxyAnswer): unknown {
  const { url, headers } = JSON.parse(answer.text)
  return {
    url,
    headers: fixed(Object.fromEntries(Object.entries(headers).filter(([name]) => watched.has(name)))),
  }
}

function shownBody(answer: ProxyAnswer): unknown {
  if (answer.text === '') return ''
  const body = JSON.parse(answer.text)
  return 'request_id' in body ? { ...body, request_id: '<id>' } : body
}
