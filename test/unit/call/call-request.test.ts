import { deepEqual, equal, ok } from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { decodeBody } from '../../../operator/call/answer-body.ts'
import { encodeBody, headersToSend, isCallPath } from '../../../operator/call/call-request.ts'
import { mayRetry, retryDelayMs } from '../../../operator/call/retry.ts'

const good = [
  '/',
  '/a',
  '/a/b?c=d/../e',
  '/a//b',
  '/%20',
  '/a%2Fb',
  '/.well-known',
  '/...',
  '/a?x=%2e%2e',
  '/a;v=1',
]
const bad = [
  '',
  'a',
  '//evil.example/',
  'http://evil.example/',
  '/..',
  '/a/../b',
  '/./a',
  '/a/%2e%2E/b',
  '/a/.%2e',
  '/a%2f..%2fb',
  '/a%5c..%5cb',
  '/..;/b',
  '/a\\b',
  '/a b',
  '/a\r\nHost: x',
  '/a\u0000',
  '/%00',
  '/%0d%0a',
  '/%zz',
  '/%',
  '/ä',
  '/a#b',
]
for (const path of good) test(`${JSON.stringify(path)} is a path`, () => ok(isCallPath(path)))
for (const path of bad) test(`${JSON.stringify(path)} is no path`, () => ok(!isCallPath(path)))

test('what is taken for a path stays as it is when a URL is made of it', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^\/[ -~]{0,30}$/), (text) => {
      fc.pre(isCallPath(text))
      const url = new URL(`http://proxy${text}`)
      equal(url.host, 'proxy')
      const before = text.split('?')[0]!.split('/').length
      equal(url.pathname.split('/').length, before)
    }),
    { numRuns: 2_000 },
  )
})

test('headers of one hop and Host are never taken, nor what Connection names', () => {
  const given = {
    Host: 'evil',
    Connection: 'close, X-Mine',
    'X-Mine': '1',
    'Transfer-Encoding': 'chunked',
    'Content-Length': '5',
    TE: 'trailers',
    Upgrade: 'h2c',
    'Keep-Alive': 'x',
    'Proxy-Authorization': 'x',
    Expect: '100-continue',
    'X-Mesh-Route': 'forged',
    Authorization: 'Bearer x',
    'X-Other': '2',
  }
  deepEqual(headersToSend(given), { authorization: 'Bearer x', 'x-other': '2' })
})

test('a body is JSON, a text is text, and the caller’s content type stays', () => {
  deepEqual(encodeBody({ a: 1 }, {}), {
    data: Buffer.from('{"a":1}'),
    headers: { 'content-type': 'application/json' },
  })
  equal(encodeBody('a', {}).headers['content-type'], 'text/plain; charset=utf-8')
  equal(encodeBody('a', { 'content-type': 'text/csv' }).headers['content-type'], 'text/csv')
  deepEqual(encodeBody(undefined, {}), { data: undefined, headers: {} })
})

const decoded: [bytes: Buffer, type: string, expected: object][] = [
  [Buffer.from('{"a":1}'), 'application/json; charset=utf-8', { body: { a: 1 } }],
  [Buffer.from('{"a":1}'), 'application/problem+json', { body: { a: 1 } }],
  [Buffer.from('{"a":1}'), 'text/plain', { body: '{"a":1}' }],
  [Buffer.from('{"a":'), 'application/json', { body: '{"a":' }],
  [Buffer.from('grüße'), '', { body: 'grüße' }],
  [Buffer.from([0xff, 0xfe, 0]), 'image/png', { body: '//4A', body_encoding: 'base64' }],
  [Buffer.alloc(0), 'application/json', { body: null }],
]
for (const [bytes, type, expected] of decoded) {
  test(`an answer of ${type || 'no type'} with ${bytes.length} bytes is ${JSON.stringify(expected)}`, () =>
    deepEqual(decodeBody(bytes, type), expected))
}

test('what was not sent is tried again whatever the method, the rest only where twice is as good as once', () => {
  for (const method of ['POST', 'PATCH', 'GET', 'PUT']) ok(mayRetry(method, 'connect'))
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']) {
    ok(mayRetry(method, 'broken') && mayRetry(method, { status: 503 }))
    ok(!mayRetry(method, { status: 500 }))
  }
  for (const method of ['POST', 'PATCH'])
    ok(!mayRetry(method, 'broken') && !mayRetry(method, { status: 503 }))
})

test('delays are spread from nothing to a limit that doubles up to 30 s', () => {
  deepEqual(
    [1, 2, 3, 20].map((retry) => retryDelayMs(retry, 1)),
    [100, 200, 400, 30_000],
  )
  equal(retryDelayMs(3, 0), 0)
})
