import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { KongAdmin } from '../../../operator/kong/kong-admin.ts'
import type { KongError } from '../../../operator/kong/kong-error.ts'
import { createMetrics } from '../../../operator/telemetry/metrics.ts'
import { Secret } from '../../../operator/telemetry/secret.ts'

interface Seen {
  readonly url: string
  readonly headers: http.IncomingHttpHeaders
}
type Answer = readonly [status: number, body: unknown, type?: string]

const seen: Seen[] = []
let answer: (seen: Seen, at: number) => Answer | 'hang' = () => [200, {}]
let mostAtOnce = 0
let atOnce = 0
const server = http.createServer((request, response) => {
  const entry = { url: request.url ?? '', headers: request.headers }
  seen.push(entry)
  atOnce += 1
  mostAtOnce = Math.max(mostAtOnce, atOnce)
  request.resume()
  request.on('end', () => {
    const said = answer(entry, seen.length)
    setImmediate(() => {
      atOnce -= 1
      if (said === 'hang') return
      const [status, body, type = 'application/json'] = said
      response.writeHead(status, { 'content-type': type })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  })
})
let url = ''
before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => {
  server.closeAllConnections()
  server.close()
})

const metrics = createMetrics('0.0.0')
const adminFor = (over: object = {}) =>
  new KongAdmin({ adminUrl: url, timeoutMs: 2000, parallel: 3, ...over }, metrics)

test('path segments are escaped, an IPv6 target as well, but for colons', async () => {
  answer = () => [200, { ok: true }]
  await adminFor().call('GET', ['upstreams', 'u', 'targets', '[0000::1]:80'])
  equal(seen.at(-1)?.url, '/upstreams/u/targets/%5B0000::1%5D:80')
})

test('the token goes into the header that was named, or into Kong-Admin-Token', async () => {
  await adminFor({ token: new Secret('s3'), tokenHeader: 'X-Gate' }).call('GET', ['status'])
  equal(seen.at(-1)?.headers['x-gate'], 's3')
  await adminFor({ token: 's4' }).call('GET', ['status'])
  equal(seen.at(-1)?.headers['kong-admin-token'], 's4')
})

test('a list follows its pages, and an empty one may come as an object', async () => {
  answer = ({ url: asked }) =>
    asked.includes('offset=next')
      ? [200, { data: [{ id: 'b' }] }]
      : [200, { data: [{ id: 'a' }], offset: 'next' }]
  deepEqual(await adminFor().list(['services']), [{ id: 'a' }, { id: 'b' }])
  answer = () => [200, { data: {} }]
  deepEqual(await adminFor().list(['services']), [])
})

const refusals: [what: string, answer: Answer, code: string][] = [
  ['a 404', [404, { message: 'Not found' }], 'KONG_NOT_FOUND'],
  ['a unique violation', [409, { code: 5, message: 'UNIQUE violation' }], 'KONG_EXISTS'],
  ['a primary key that exists', [400, { code: 3, message: 'primary key violation' }], 'KONG_EXISTS'],
  ['a schema violation', [400, { code: 2, message: 'schema violation (host: required)' }], 'KONG_REJECTED'],
  ['a missing token', [401, { message: 'Unauthorized' }], 'KONG_DENIED'],
  ['a rate limit', [429, { message: 'slow down' }], 'KONG_BUSY'],
  ['a page in HTML', [500, '<html>oops</html>', 'text/html'], 'KONG_FAILED'],
]
for (const [what, said, code] of refusals) {
  test(`${what} is ${code}, with method, path, status and what Kong said`, async () => {
    answer = () => said
    await rejects(adminFor().call('PATCH', ['services', 'x'], {}), (error: KongError) => {
      const text = typeof said[1] === 'string' ? said[1] : (said[1] as { message: string }).message
      equal(error.code, code)
      ok(error.message.startsWith(`PATCH /services/x answered ${said[0]}`), error.message)
      return error.message.includes(text) && error.status === said[0]
    })
  })
}

test('no answer in time is KONG_TIMEOUT', async () => {
  answer = () => 'hang'
  await rejects(adminFor({ timeoutMs: 50 }).call('GET', ['status']), { code: 'KONG_TIMEOUT', status: 0 })
})

test('a refused connection is KONG_UNREACHABLE', async () => {
  await rejects(adminFor({ adminUrl: 'http://127.0.0.1:1' }).call('GET', ['status']), {
    code: 'KONG_UNREACHABLE',
  })
})

test('an answer that is cut short is KONG_UNREACHABLE', async () => {
  const kong = http.createServer((_, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('{"id":')
    setImmediate(() => response.destroy())
  })
  kong.listen(0, '127.0.0.1')
  await once(kong, 'listening')
  const adminUrl = `http://127.0.0.1:${(kong.address() as AddressInfo).port}`
  await rejects(adminFor({ adminUrl }).call('GET', ['status']), { code: 'KONG_UNREACHABLE', status: 0 })
  kong.close()
})

test('the address of the Admin API may have a path of its own', async () => {
  answer = () => [200, {}]
  await adminFor({ adminUrl: `${url}/admin` }).call('GET', ['status'])
  equal(seen.at(-1)?.url, '/admin/status')
})

test('a body is sent as JSON with its length in bytes, and none as none', async () => {
  answer = () => [200, {}]
  await adminFor().call('PATCH', ['services', 'x'], { name: 'grün' })
  equal(seen.at(-1)?.headers['content-type'], 'application/json')
  equal(seen.at(-1)?.headers['content-length'], String(Buffer.byteLength('{"name":"grün"}')))
  await adminFor().call('PUT', ['upstreams', 'u', 'targets', 't', 'healthy'])
  equal(seen.at(-1)?.headers['content-length'], '0')
  equal(seen.at(-1)?.headers['transfer-encoding'], undefined)
})

test('no more calls are in flight than allowed, and all are answered', async () => {
  answer = () => [200, {}]
  mostAtOnce = 0
  const admin = adminFor()
  await Promise.all(Array.from({ length: 20 }, () => admin.call('GET', ['status'])))
  ok(mostAtOnce <= 3, `${mostAtOnce} at once`)
})

test('a call that meets closed connections only is sent once more, over a new one', async () => {
  const kept = new Set<Socket>()
  let isClosing = false
  const kong = http.createServer((request, response) => {
    if (isClosing && kept.has(request.socket)) request.socket.destroy()
    else {
      kept.add(request.socket)
      // Answered together, so that each has a connection of its own.
      if (isClosing || kept.size === 3)
        for (const answer of [...waiting.splice(0), response]) answer.end('{}')
      else waiting.push(response)
    }
  })
  const waiting: http.ServerResponse[] = []
  kong.listen(0, '127.0.0.1')
  await once(kong, 'listening')
  const admin = adminFor({ adminUrl: `http://127.0.0.1:${(kong.address() as AddressInfo).port}` })
  await Promise.all([1, 2, 3].map(() => admin.call('GET', ['status'])))
  isClosing = true
  deepEqual(await admin.call('GET', ['status']), {})
  admin.close()
  kong.closeAllConnections()
  kong.close()
})
