// What a client may send, over real sockets, and what it is told of the inside: nothing.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { bareApi } from '../../support/bare-api.ts'
import { sendRaw } from '../../support/raw-http.ts'

const V2 = '/api/v1/mesh/v2'
// The server is made as the operator's is, for ready answers too.
const { app } = bareApi({ ready: () => null })
let port: number
before(async () => {
  await app.listen({ host: '127.0.0.1', port: 0 })
  port = (app.server.address() as AddressInfo).port
})
after(() => app.close())

const head = (line: string, ...headers: string[]) =>
  `${[`${line} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`
const errorOf = (answer: string) => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))

test('headers of more than 16 KiB, and what is no HTTP, are refused in the shape of every error', async () => {
  const long = await sendRaw(port, head(`GET ${V2}/services`, `X-Long: ${'x'.repeat(17_000)}`))
  match(long, /^HTTP\/1\.1 431 /)
  deepEqual(
    [errorOf(long).error.code, errorOf(long).detail],
    ['too_large', 'Request Header Fields Too Large'],
  )
  const none = await sendRaw(port, 'nonsense\r\n\r\n')
  match(none, /^HTTP\/1\.1 400 /)
  equal(errorOf(none).error.code, 'malformed')
})

test('a body that says it is longer than 1 MiB is refused before it is sent', async () => {
  const headers = ['Content-Type: application/json', 'Content-Length: 1048577']
  const answer = await sendRaw(port, head(`POST ${V2}/apply`, ...headers))
  match(answer, /^HTTP\/1\.1 413 /)
  equal(errorOf(answer).error.code, 'too_large')
})

test('requests have a time to arrive in', () => {
  deepEqual([app.server.requestTimeout, app.server.headersTimeout <= 60_000], [30_000, true])
})

test('no page of another origin may read an answer, and nobody is told of the inside', async () => {
  const origin = 'http://evil.example'
  const preflight = await app.inject({
    method: 'OPTIONS',
    url: `${V2}/services`,
    headers: { origin, host: 'localhost', 'access-control-request-method': 'GET' },
  })
  equal(preflight.statusCode, 404)
  const fault = await app.inject({ url: `${V2}/services`, headers: { origin, host: 'localhost' } })
  equal(fault.statusCode, 500)
  deepEqual(fault.json(), {
    error: { code: 'internal', message: 'internal error', details: [] },
    detail: 'internal error',
  })
  for (const { headers } of [preflight, fault]) {
    ok(Object.keys(headers).every((name) => !name.startsWith('access-control-')))
  }
})
