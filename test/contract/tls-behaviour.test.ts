import { equal } from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import tls, { type TLSSocket } from 'node:tls'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { type KongUnderTest, startKongUnderTest } from '../support/kong-under-test.ts'
import { createPool, type Pool } from '../support/pool.ts'
import { waitFor } from '../support/wait-for.ts'

const pem = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url), 'utf8')

type Fields = Readonly<Record<string, unknown>>

interface SecureServer {
  readonly port: number
  /** What the last handshake brought: server name, and the client certificate's name. */
  readonly last: { serverName?: string; client?: string }
  close(): Promise<void>
}

let kong: KongUnderTest
let plain: EchoServer
let certificateId: string
let authorityId: string
const servers: SecureServer[] = []

before(async () => {
  kong = await startKongUnderTest({ tls: true })
  plain = await startEchoServer()
  certificateId = await created('/certificates', { cert: pem('client.pem'), key: pem('client.key') })
  authorityId = await created('/ca_certificates', { cert: pem('ca.pem') })
})

after(async () => {
  await kong.close()
  await plain.close()
  for (const server of servers) await server.close()
})

async function created(path: string, body: unknown): Promise<string> {
  const answer = await kong.admin('POST', path, body)
  equal(answer.status, 201, JSON.stringify(answer.body))
  return (answer.body as { id: string }).id
}

/** Each test has a server of its own, because connections are kept per address whatever was verified on them. */
async function startSecureServer(): Promise<SecureServer> {
  const last: SecureServer['last'] = {}
  const options = { key: pem('inner.key'), cert: pem('inner.pem'), ca: pem('ca.pem') }
  const server = https.createServer(
    { ...options, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const socket = request.socket as TLSSocket
      const client = socket.getPeerCertificate().subject?.CN
      if (typeof socket.servername === 'string') last.serverName = socket.servername
      if (typeof client === 'string') last.client = client
      response.end('{}')
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const secure = {
    port: (server.address() as AddressInfo).port,
    last,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  servers.push(secure)
  return secure
}

async function securePool(service: Fields, upstream: Fields = {}): Promise<[Pool, SecureServer]> {
  const server = await startSecureServer()
  const options = { upstream, service: { protocol: 'https', retries: 0, ...service } }
  return [await createPool(kong, { ...options, targets: [[server.port, 1]] }), server]
}

test('an https upstream is not verified unless it is asked for', async () => {
  const [pool] = await securePool({})
  equal((await pool.send()).status, 200)
})

test('the host_header of the upstream is the server name that is sent', async () => {
  const [pool, server] = await securePool({}, { host_header: 'inner.example' })
  equal((await pool.send()).status, 200)
  equal(server.last.serverName, 'inner.example')
})

test('with tls_verify a certificate for the host_header by a known authority is accepted', async () => {
  const [pool] = await securePool(
    { tls_verify: true, ca_certificates: [authorityId] },
    { host_header: 'inner.example' },
  )
  equal((await pool.send()).status, 200)
})

test('with tls_verify a certificate for another name is refused', async () => {
  const [pool] = await securePool(
    { tls_verify: true, ca_certificates: [authorityId] },
    { host_header: 'other.example' },
  )
  equal((await pool.send()).status, 502)
})

test('with tls_verify a certificate by an unknown authority is refused', async () => {
  const [pool] = await securePool({ tls_verify: true }, { host_header: 'inner.example' })
  equal((await pool.send()).status, 502)
})

test('without host_header the name is the address, which no certificate is good for', async () => {
  const [pool] = await securePool({ tls_verify: true, ca_certificates: [authorityId] })
  equal((await pool.send()).status, 502)
})

test('the client certificate of the service is presented', async () => {
  const [pool, server] = await securePool({ client_certificate: { id: certificateId } })
  equal((await pool.send()).status, 200)
  equal(server.last.client, 'client')
})

test('the client certificate of the upstream is presented when the service has none', async () => {
  const [pool, server] = await securePool({}, { client_certificate: { id: certificateId } })
  equal((await pool.send()).status, 200)
  equal(server.last.client, 'client')
})

test('the TLS listener presents the certificate of the SNI, and another to unknown names', async () => {
  const pool = await createPool(kong, { targets: [[plain.port, 1]] })
  const id = await created('/certificates', { cert: pem('shop.pem'), key: pem('shop.key') })
  await created('/snis', { name: 'shop.example', certificate: { id } })
  await waitFor(async () => (await presentedName('shop.example')) === 'shop', {
    pollMs: 50,
    what: 'the SNI being live',
  })
  equal((await presentedName('nobody.example')) === 'shop', false)
  const answer = await secureRequest(`/${pool.name}/x`)
  const { headers } = JSON.parse(answer)
  equal(headers['x-forwarded-proto'], 'https')
  equal(headers['x-forwarded-port'], String(kong.proxyTlsPort))
})

test('a route with SNIs takes https requests for them only', async () => {
  const pool = await createPool(kong, { targets: [[plain.port, 1]] })
  const route = { service: { name: pool.name }, paths: ['/by-sni'], snis: ['shop.example'] }
  equal(await pool.admin('PUT', '/routes/by-sni', route), 200)
  const found = async () => (await secureRequest('/by-sni', 'shop.example')).includes('"url"')
  await waitFor(found, { pollMs: 50, what: 'the route being live' })
  equal((await secureRequest('/by-sni', 'other.example')).includes('no Route matched'), true)
})

async function presentedName(servername: string): Promise<string | undefined> {
  const socket = tls.connect({
    host: '127.0.0.1',
    port: kong.proxyTlsPort,
    servername,
    rejectUnauthorized: false,
  })
  await once(socket, 'secureConnect')
  const name = socket.getPeerCertificate().subject.CN
  socket.destroy()
  return typeof name === 'string' ? name : undefined
}

function secureRequest(path: string, servername = 'shop.example'): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: kong.proxyTlsPort,
      path,
      servername,
      rejectUnauthorized: false,
      agent: false,
    }
    const request = https.get(options, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve(text))
    })
    request.on('error', reject)
  })
}
