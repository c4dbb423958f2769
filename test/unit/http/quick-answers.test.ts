// Ready answers over real sockets, beside the same API without them: nobody can tell which of the two it was.
import { equal, match, ok } from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { DiscoveryCache } from '../../../operator/api/discovery-cache.ts'
import { ConsulError } from '../../../operator/consul/consul-error.ts'
import { meshRoutes, readyDiscovery } from '../../../operator/http/mesh-routes.ts'
import type { ReadyAnswer } from '../../../operator/http/quick-answers.ts'
import { bareApi } from '../../support/bare-api.ts'
import { sendRaw } from '../../support/raw-http.ts'
import { instanceOf } from '../api/catalog-of.ts'

const READER = 'reader-token-0123456789'
const FEED = 'token-that-may-send-spans'
const tokens = {
  find: (token: string) =>
    token === READER
      ? ({ name: 'r', rights: 'read' } as const)
      : token === FEED
        ? ({ name: 'f', rights: 'ingest' } as const)
        : null,
}
const INSTANCES = [instanceOf('web-1', 'passing'), instanceOf('web-2', 'critical')]
const discovery = new DiscoveryCache({
  watched: (service) => (service === 'web' ? INSTANCES : undefined),
  isInDoubt: () => false,
  read: async (service) => {
    if (service === 'web') return INSTANCES
    throw new ConsulError('CONSUL_UNREACHABLE', 'health.service', 'nobody answers')
  },
  now: () => 0,
  ttlMs: 1_000,
})
await discovery.discover('web', true)

let readied = 0
const counted: ReadyAnswer = (url) => {
  const text = readyDiscovery(discovery)(url)
  if (text !== null) readied++
  return text
}
const servers: ReturnType<typeof bareApi>['app'][] = []
after(() => Promise.all(servers.map((app) => app.close())))
async function listening(host: string, ready?: ReadyAnswer): Promise<number> {
  const nothing = { services: () => null, topology: () => null, health: () => null }
  const parts = [meshRoutes({ ...nothing, discovery })]
  const { app } = bareApi({ host, parts, guard: { tokens }, ...(ready === undefined ? {} : { ready }) })
  servers.push(app)
  await app.listen({ host: '127.0.0.1', port: 0 })
  return (app.server.address() as AddressInfo).port
}
const near = { quick: await listening('127.0.0.1', counted), long: await listening('127.0.0.1') }
const far = { quick: await listening('0.0.0.0', counted), long: await listening('0.0.0.0') }

const WEB = '/api/v1/mesh/v2/discover/web'
const request = (line: string, ...headers: string[]) =>
  `${[`${line} HTTP/1.1`, 'Host: localhost', ...headers, 'Connection: close'].join('\r\n')}\r\n\r\n`
const withoutDate = (text: string) => text.replace(/\r\nDate: [^\r]+/, '')

const CASES: [what: string, at: typeof near, bytes: string, status: number, isReady: boolean][] = [
  ['a plain one', near, request(`GET ${WEB}`), 200, true],
  ['one with a body', near, `${request(`GET ${WEB}`, 'Content-Length: 2')}{}`, 200, true],
  ['one of HTTP/1.0', near, `GET ${WEB} HTTP/1.0\r\nHost: localhost\r\n\r\n`, 200, true],
  ['one with a query', near, request(`GET ${WEB}?use_cache=false`), 200, false],
  ['a field that is not known', near, request(`GET ${WEB}?zz=1`), 422, false],
  ['a name that has to be decoded', near, request('GET /api/v1/mesh/v2/discover/we%62'), 200, false],
  ['a name with a slash in it', near, request('GET /api/v1/mesh/v2/discover/a%2fb'), 422, false],
  ['a service that is not kept', near, request('GET /api/v1/mesh/v2/discover/nobody'), 503, false],
  ['HEAD', near, request(`HEAD ${WEB}`), 200, false],
  ['POST', near, request(`POST ${WEB}`), 404, false],
  ['another Host', near, request(`GET ${WEB}`).replace('localhost', 'evil.example'), 421, false],
  ['elsewhere without a token', far, request(`GET ${WEB}`), 401, false],
  ['a token that nobody has', far, request(`GET ${WEB}`, 'Authorization: Bearer no'), 401, false],
  [
    'a token that may only send spans',
    far,
    request(`GET ${WEB}`, `Authorization: Bearer ${FEED}`),
    403,
    false,
  ],
  ['a token that may read', far, request(`GET ${WEB}`, `Authorization: Bearer ${READER}`), 200, true],
]
for (const [what, at, bytes, status, isReady] of CASES) {
  test(`${what} is answered ${status}, the same to the byte with ready answers and without`, async () => {
    const long = await sendRaw(at.long, bytes)
    readied = 0
    const quick = await sendRaw(at.quick, bytes)
    ok(long.startsWith(`HTTP/1.1 ${status} `), long)
    equal(withoutDate(quick), withoutDate(long))
    if (status === 200) equal(readied, isReady ? 1 : 0)
  })
}

test('requests that come at once over one connection are answered in their order', async () => {
  const line = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
  const bytes = `${line(WEB)}${line('/healthz')}${line(WEB)}${request('GET /healthz')}`
  const answers = await sendRaw(near.quick, bytes)
  match(answers, /"web"[\s\S]*"ok"[\s\S]*"web"[\s\S]*"ok"/)
})

test('an answer that cannot be made is a fault of that request alone', async () => {
  const broken = await listening('127.0.0.1', () => {
    throw new Error('no')
  })
  ok((await sendRaw(broken, request(`GET ${WEB}`))).startsWith('HTTP/1.1 200 '))
})
