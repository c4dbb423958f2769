import { deepEqual, equal, match, ok } from 'node:assert/strict'
import http from 'node:http'
import net from 'node:net'
import { after, before, test } from 'node:test'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { type KongUnderTest, startKongUnderTest } from '../support/kong-under-test.ts'
import { createPool, type Pool } from '../support/pool.ts'
import { type RawServer, sendRaw, startRawServer } from '../support/raw-http.ts'
import { waitFor } from '../support/wait-for.ts'

let kong: KongUnderTest
let echo: EchoServer
let raw: RawServer
let pool: Pool
let rawPool: Pool
let streaming: Pool
const held: net.Socket[] = []

const ANSWERS: Readonly<Record<string, string>> = {
  hop:
    'HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Gone\r\nX-Gone: 1\r\nKeep-Alive: timeout=5\r\nX-Stays: 1\r\n' +
    'Server: own\r\nVia: 1.1 own\r\nContent-Length: 2\r\n\r\nhi',
  cookies: 'HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nhi',
  charset: 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi',
  chunked: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfoo\r\n4\r\nbars\r\n0\r\n\r\n',
  close: 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end',
  large: `HTTP/1.1 200 OK\r\nX-Large: ${'x'.repeat(5000)}\r\nContent-Length: 2\r\n\r\nhi`,
  broken: 'HTTP/1.1 200 OK\r\nX Bad: 1\r\nContent-Length: 2\r\n\r\nhi',
  short: 'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nonly this',
}

before(async () => {
  kong = await startKongUnderTest()
  echo = await startEchoServer()
  raw = await startRawServer((socket, head) => {
    const name = /^\S+ \/(\w+)/.exec(head)?.[1] ?? ''
    if (name === 'hold') {
      held.push(socket)
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n')
    } else if (name === 'ws') {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello',
      )
      socket.on('data', (chunk) => socket.write(String(chunk).toUpperCase()))
    } else if (name === 'silent') {
      held.push(socket)
    } else {
      socket.write(ANSWERS[name] ?? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 'latin1')
      if (name === 'close' || name === 'short') socket.end()
    }
  })
  pool = await createPool(kong, { targets: [[echo.port, 1]] })
  rawPool = await createPool(kong, { targets: [[raw.port, 1]], service: { retries: 0 } })
  const route = { request_buffering: false, response_buffering: false }
  streaming = await createPool(kong, { targets: [[raw.port, 1]], route })
})

after(async () => {
  await kong.close()
  await echo.close()
  await raw.close()
})

const get = (name: string) => rawPool.send({ path: `/${rawPool.name}/${name}` })

test('hop-by-hop headers of an answer stay behind, the rest goes on', async () => {
  const { headers } = await get('hop')
  equal(headers['x-gone'], undefined)
  equal(headers['keep-alive'], undefined)
  equal(headers['x-stays'], '1')
  equal(headers['server'], 'own')
  equal(headers['via'], '1.1 own, 1.1 kong/3.9.1')
})

test('cookies stay separate lines', async () => {
  deepEqual((await get('cookies')).headers['set-cookie'], ['a=1', 'b=2'])
})

test('text without a charset gets UTF-8 as its charset', async () => {
  equal((await get('charset')).headers['content-type'], 'text/plain; charset=UTF-8')
})

test('a chunked answer and one that ends with its connection arrive whole', async () => {
  equal((await get('chunked')).text, 'foobars')
  equal((await get('close')).text, 'until the end')
})

test('an answer with a head of more than 4 kB, or with a broken header, is 502', async () => {
  equal((await get('large')).status, 502)
  equal((await get('broken')).status, 502)
})

test('an answer that ends too early breaks the connection to the client', async () => {
  const answer = await get('short').catch((error: Error) => error)
  ok(answer instanceof Error, 'the client must notice')
})

test('connections to the upstream are used again', async () => {
  await get('first')
  const before = raw.connections()
  for (let i = 0; i < 5; i++) equal((await get('again')).status, 200)
  equal(raw.connections(), before)
})

test('a body of several megabytes arrives whole and with its length', async () => {
  const size = 3_000_000
  const answer = await pool.send({ method: 'POST', body: Buffer.alloc(size, 'x') })
  const seen = JSON.parse(answer.text)
  equal(seen.bytes, size)
  equal(seen.headers['content-length'], String(size))
})

test('a chunked body is sent on with its length, since requests are buffered', async () => {
  const text = `POST /${pool.name}/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfoo\r\n4\r\nbars\r\n0\r\n\r\n`
  const answer = await sendRaw(kong.proxyPort, text)
  match(answer, /"bytes":7/)
  match(answer, /"content-length":"7"/)
})

test('a client that waits for 100 Continue gets it', async () => {
  const text = `POST /${pool.name}/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n`
  const answer = await new Promise<string>((resolve, reject) => {
    let received = ''
    const socket = net.connect(kong.proxyPort, '127.0.0.1', () => socket.write(text))
    socket.on('data', (chunk) => {
      if (received === '' && String(chunk).startsWith('HTTP/1.1 100')) socket.write('abc')
      received += String(chunk)
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(received))
  })
  match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200/)
  match(answer, /"bytes":3/)
})

test('pipelined requests are answered in their order', async () => {
  const one = `GET /${pool.name}/one HTTP/1.1\r\nHost: h\r\n\r\n`
  const two = `GET /${pool.name}/two HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`
  const answer = await sendRaw(kong.proxyPort, one + two)
  ok(answer.indexOf('"url":"/one"') < answer.indexOf('"url":"/two"'), answer)
  ok(answer.includes('"url":"/one"'), answer)
})

test('an HTTP/1.0 client gets an answer without chunks and the end of the connection', async () => {
  const answer = await sendRaw(kong.proxyPort, `GET /${rawPool.name}/chunked HTTP/1.0\r\nHost: h\r\n\r\n`)
  match(answer, /^HTTP\/1\.1 200 OK\r\n/)
  match(answer, /\r\n\r\nfoobars$/)
})

test('without buffering the first part of an answer reaches the client before the last is written', async () => {
  const first = await new Promise<string>((resolve, reject) => {
    const options = { port: kong.proxyPort, path: `/${streaming.name}/hold`, agent: false }
    const request = http.get({ host: '127.0.0.1', ...options }, (response) => {
      response.once('data', (chunk) => {
        resolve(String(chunk))
        held.at(-1)?.write('0\r\n\r\n')
        response.resume()
      })
    })
    request.on('error', reject)
  })
  equal(first, 'first')
})

test('a client that goes away ends the connection to the upstream', async () => {
  const before = raw.heads.length
  const request = http.get({
    host: '127.0.0.1',
    port: kong.proxyPort,
    path: `/${rawPool.name}/silent`,
    agent: false,
  })
  request.on('error', () => {})
  await waitFor(() => raw.heads.length > before, { what: 'the request reaching the upstream' })
  const socket = held.at(-1)!
  request.destroy()
  await waitFor(() => socket.destroyed || socket.readableEnded, { what: 'the upstream seeing the end' })
})

test('a WebSocket is switched through, both ways', async () => {
  const head = `GET /${rawPool.name}/ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n`
  let sent = false
  const received = await new Promise<string>((resolve, reject) => {
    let text = ''
    const socket = net.connect(kong.proxyPort, '127.0.0.1', () => socket.write(head))
    socket.on('data', (chunk) => {
      text += String(chunk)
      if (!sent && text.includes('hello')) {
        sent = true
        socket.write('abc')
      }
      if (text.endsWith('ABC')) socket.end()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
  })
  match(received, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
  match(received, /\r\n\r\nhelloABC$/)
  match(raw.heads.at(-1)!, /\r\nUpgrade: websocket/i)
})

const bad: [what: string, request: string, status: string][] = [
  ['a path above the root', 'GET /.. HTTP/1.1\r\nHost: h\r\n', '400'],
  ['a broken escape', 'GET /%zz HTTP/1.1\r\nHost: h\r\n', '400'],
  ['no Host in HTTP/1.1', 'GET / HTTP/1.1\r\n', '400'],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n', '400'],
  ['a Host with a slash', 'GET / HTTP/1.1\r\nHost: a/b\r\n', '400'],
  ['a header line of 9 kB', `GET / HTTP/1.1\r\nHost: h\r\nX-L: ${'x'.repeat(9000)}\r\n`, '400'],
  ['a request line of 9 kB', `GET /${'x'.repeat(9000)} HTTP/1.1\r\nHost: h\r\n`, '414'],
  ['TRACE', 'TRACE / HTTP/1.1\r\nHost: h\r\n', '405'],
]

for (const [what, head, status] of bad) {
  test(`${what} is answered ${status} in the gateway's own page`, async () => {
    const answer = await sendRaw(kong.proxyPort, `${head}Connection: close\r\n\r\n`)
    match(answer, new RegExp(`^HTTP/1\\.1 ${status} `))
    match(answer, /\r\nrequest_id: |\nrequest_id: [0-9a-f]{32}\n$/)
    match(answer, /\r\nServer: kong\/3\.9\.1\r\n/)
  })
}

const pages: [accept: string | undefined, contentType: string, begins: string][] = [
  [undefined, 'application/json; charset=utf-8', '{\n  "message":"no Route'],
  ['text/html', 'text/html; charset=utf-8', '<!doctype html>'],
  ['application/xml', 'application/xml; charset=utf-8', '<?xml'],
  ['text/plain', 'text/plain; charset=utf-8', 'no Route matched'],
  ['text/*', 'text/plain; charset=utf-8', 'no Route matched'],
  ['text/html;q=0.4, application/json;q=0.9', 'application/json; charset=utf-8', '{'],
  ['image/png', 'application/json; charset=utf-8', '{'],
]

for (const [accept, contentType, begins] of pages) {
  test(`a refusal for ${accept ?? 'no Accept'} is ${contentType}`, async () => {
    const answer = await kong.request({ path: '/no-such-route', ...(accept ? { headers: { accept } } : {}) })
    equal(answer.status, 404)
    equal(answer.headers['content-type'], contentType)
    ok(answer.text.startsWith(begins), answer.text)
  })
}

test('http on an https-only route is redirected to the same path, or told to upgrade', async () => {
  const redirecting = { protocols: ['https'], https_redirect_status_code: 301 }
  const secure = await createPool(kong, { targets: [[echo.port, 1]], route: redirecting })
  const answer = await secure.send({ path: `/${secure.name}/a?b=c`, host: 'Shop.test:81' })
  equal(answer.status, 301)
  equal(answer.headers['location'], `https://shop.test/${secure.name}/a?b=c`)
  const telling = await createPool(kong, { targets: [[echo.port, 1]], route: { protocols: ['https'] } })
  const told = await telling.send()
  equal(told.status, 426)
  equal(told.headers['upgrade'], 'TLS/1.2, HTTP/1.1')
})

test('a route without a service is 503', async () => {
  equal((await kong.admin('PUT', '/routes/no-service', { paths: ['/no-service-here'] })).status, 200)
  const asked = () => kong.request({ path: '/no-service-here' })
  await waitFor(async () => (await asked()).status !== 404, { pollMs: 50, what: 'the route being live' })
  const answer = await asked()
  equal(answer.status, 503)
  equal(JSON.parse(answer.text).message, 'no Service found with those values')
})
