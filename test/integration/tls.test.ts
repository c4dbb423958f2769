// Certificates from Consul: what clients are shown, what services are shown and checked by, without a failed request.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import tls from 'node:tls'
import { seal } from '../../operator/secrets/seal.ts'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { type Certificate, makeCertificate } from '../support/make-certificate.ts'
import { type KongRow, type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
let echo: EchoServer
const folder = mkdtempSync(join(tmpdir(), 'kongsul-edge-'))
const sealKey = randomBytes(32)
const keyFile = join(folder, 'seal.key')

before(async () => {
  writeFileSync(keyFile, sealKey.toString('base64'))
  stack = await startStack({ tls: true })
  echo = await startEchoServer()
  await stack.consul.register({ Name: 'shop', ID: 'shop-1', Address: '127.0.0.1', Port: echo.port })
  await startOperator()
  await stack.settled()
})
after(async () => {
  await stack.stop()
  await echo.close()
  rmSync(folder, { recursive: true, force: true })
})

const startOperator = () =>
  stack.startOperator({ certificates: { folder, sealKeyFile: keyFile, connectService: 'edge' } })
const put = (name: string, document: object) =>
  stack.consul.setKey(`mesh/certificates/${name}`, JSON.stringify(document))
const sealed = (name: string, { cert, key }: Certificate, hosts: readonly string[]) =>
  put(name, { cert, key: seal(key, sealKey, `mesh/certificates/${name}`), hosts })
const tlsPort = () => stack.gateway.proxyTlsPort!
const problems = () => stack.operator().status().problems

/** Serial number of what a client is shown. */
async function shown(servername: string): Promise<string> {
  const socket = tls.connect({ host: '127.0.0.1', port: tlsPort(), servername, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}
const serialOf = ({ cert }: Certificate) => new X509Certificate(cert).serialNumber
const isShown = (host: string, certificate: Certificate) =>
  waitFor(async () => (await shown(host)) === serialOf(certificate), { what: `the certificate of ${host}` })

/** One request on a connection of its own, which trusts this certificate and nothing else. */
function ask(servername: string, trusted: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { port: tlsPort(), servername, agent: false, ca: trusted, headers: { host: 'shop.mesh' } }
    https
      .get({ host: '127.0.0.1', ...options }, (answer) => {
        answer.resume()
        answer.on('end', () => resolve(answer.statusCode ?? 0))
      })
      .on('error', reject)
  })
}

test('a certificate in KV is shown for its hosts; its key is told nowhere', async () => {
  const certificate = makeCertificate(['shop.example', '*.shop.example'])
  await sealed('shop', certificate, ['shop.example', '*.shop.example'])
  await isShown('shop.example', certificate)
  await isShown('eu.shop.example', certificate)
  equal(await ask('shop.example', certificate.cert), 200)
  const get = async (path: string) =>
    await (await fetch(`${stack.operator().url}/api/v1/mesh/v2${path}`)).text()
  const told = [await get('/changes'), await get('/status'), await get('/plan')].join()
  match(told, /certificate/)
  ok(!told.includes('PRIVATE KEY') && !told.includes(certificate.key.split('\n')[1]!))
})

test('a renewal under 200 requests a second fails none of them', async () => {
  const [old, next] = [makeCertificate(['busy.example']), makeCertificate(['busy.example'])]
  await sealed('busy', old, ['busy.example'])
  await isShown('busy.example', old)
  const trusted = old.cert + next.cert
  const sent: Promise<number>[] = []
  const every = setInterval(
    () => sent.push(ask('busy.example', trusted).catch((error: Error) => error as never)),
    5,
  )
  await waitFor(() => sent.length > 50)
  await sealed('busy', next, ['busy.example'])
  await isShown('busy.example', next)
  const before = sent.length
  await waitFor(() => sent.length > before + 50)
  clearInterval(every)
  const outcomes = await Promise.all(sent)
  deepEqual(
    outcomes.filter((outcome) => outcome !== 200),
    [],
  )
})

test('files are followed when they are replaced, and a pair that does not fit waits for its other half', async () => {
  const [old, next] = [makeCertificate(['file.example']), makeCertificate(['file.example'])]
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, `${name}.new`), text)
    renameSync(join(folder, `${name}.new`), join(folder, name))
  }
  write('file.pem', old.cert)
  write('file.key', old.key)
  await put('file', { certFile: 'file.pem', keyFile: 'file.key', hosts: ['file.example'] })
  await isShown('file.example', old)
  write('file.pem', next.cert)
  await waitFor(() =>
    problems().find(({ message }) => /certificates\/file: key is not the key of cert/.test(message)),
  )
  equal(await shown('file.example'), serialOf(old))
  write('file.key', next.key)
  await isShown('file.example', next)
  deepEqual(
    problems().filter(({ message }) => message.includes('certificates/file')),
    [],
  )
})

test('a document that is no good is told in KV, and what was shown stays, also after a restart', async () => {
  const certificate = makeCertificate(['kept.example'], { days: 2 })
  await sealed('kept', certificate, ['kept.example'])
  await isShown('kept.example', certificate)
  ok(problems().some(({ code, severity }) => code === 'CERTIFICATE_EXPIRING' && severity === 'error'))
  await put('kept', { cert: certificate.cert, key: certificate.key, hosts: ['kept.example'] })
  const status = await waitFor(async () => {
    const answer = await fetch(`${stack.consul.url}/v1/kv/mesh/status/certificates/kept?raw`)
    return answer.ok ? ((await answer.json()) as KongRow) : null
  })
  match(status.errors[0], /key must be sealed/)
  ok(!JSON.stringify(status).includes('PRIVATE'))
  await stack.stopOperator()
  await startOperator()
  await stack.settled()
  equal(await shown('kept.example'), serialOf(certificate))
  await stack.consul.deleteKey('mesh/certificates/kept')
  await waitFor(async () => (await shown('kept.example')) !== serialOf(certificate))
  await waitFor(async () => {
    const { body } = await stack.admin('GET', '/certificates?size=1000')
    return body.data.every((row: KongRow) => row.cert !== certificate.cert)
  })
})

test('a certificate that somebody else hangs a name on, or uses, stays', async () => {
  const certificate = makeCertificate(['used.example'])
  await sealed('used', certificate, ['used.example'])
  await isShown('used.example', certificate)
  const { body } = await stack.admin('GET', '/snis/used.example')
  await stack.admin('PUT', '/services/theirs', {
    url: 'https://127.0.0.1:1',
    client_certificate: body.certificate,
  })
  await stack.consul.deleteKey('mesh/certificates/used')
  await waitFor(async () => (await stack.admin('GET', '/snis/used.example')).status === 404)
  await stack.settled()
  equal((await stack.admin('GET', `/certificates/${body.certificate.id}`)).status, 200)
  await stack.admin('DELETE', '/services/theirs')
})

test('requests without TLS are sent to https where the service asks for it', async () => {
  await stack.consul.setKey('mesh/services/shop', JSON.stringify({ routing: { https: 'redirect' } }))
  const plain = (): Promise<http.IncomingMessage> =>
    new Promise((resolve, reject) => {
      const options = { agent: false as const, headers: { host: 'shop.mesh' } }
      http.get(`${stack.proxyUrl}/a?b=1`, options, (answer) => resolve(answer.resume())).on('error', reject)
    })
  const answer = await waitFor(async () => {
    const got = await plain()
    return got.statusCode === 308 ? got : null
  })
  equal(answer.headers.location, 'https://shop.mesh/a?b=1')
  const certificate = makeCertificate(['shop.mesh'])
  await sealed('mesh', certificate, ['shop.mesh'])
  await isShown('shop.mesh', certificate)
  equal(await ask('shop.mesh', certificate.cert), 200)
  await stack.consul.setKey('mesh/services/shop', '{}')
  await waitFor(async () => (await plain()).statusCode === 200)
  deepEqual(stack.operator().status().overrides, [])
})

interface SecureService {
  readonly port: number
  /** Certificates that clients showed, by serial number, and the names that they asked for. */
  readonly clients: Map<string, X509Certificate>
  readonly names: Set<string>
  close(): Promise<void>
}

const secure: SecureService[] = []
after(async () => {
  for (const each of secure) await each.close()
})

/** Asks clients for a certificate and takes any; answers on a connection of its own each time. */
async function startSecure(own: Certificate): Promise<SecureService> {
  const clients = new Map<string, X509Certificate>()
  const names = new Set<string>()
  const options = { ...own, requestCert: true, rejectUnauthorized: false }
  const server = https.createServer(options, (request, response) => {
    const socket = request.socket as tls.TLSSocket
    const { serialNumber, raw } = socket.getPeerCertificate()
    if (serialNumber) clients.set(serialNumber, new X509Certificate(raw))
    if (typeof socket.servername === 'string') names.add(socket.servername)
    response.setHeader('connection', 'close')
    response.end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async () => {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  }
  const started = { port, clients, names, close }
  secure.push(started)
  return started
}

async function statusOf(service: string): Promise<number> {
  return await new Promise((resolve, reject) => {
    const options = { agent: false as const, headers: { host: `${service}.mesh` } }
    http
      .get(`${stack.proxyUrl}/`, options, (answer) => {
        answer.resume()
        resolve(answer.statusCode ?? 0)
      })
      .on('error', reject)
  })
}
const deploy = (name: string, port: number) =>
  stack.consul.register({ Name: name, ID: `${name}-1`, Address: '127.0.0.1', Port: port })
const set = (service: string, document: object) =>
  stack.consul.setKey(`mesh/services/${service}`, JSON.stringify(document))
const kongService = async (service: string): Promise<KongRow> =>
  (await stack.admin('GET', `/services/mesh.${service}`)).body

test('a service is checked by its authority and name, and refused when it is another', async () => {
  const authority = makeCertificate(['authority'], { isAuthority: true })
  const server = await startSecure(makeCertificate(['inner.example'], { by: authority }))
  await stack.consul.setKey('mesh/authorities/inner', authority.cert)
  const checked = { verify: true, serverName: 'inner.example', ca: 'inner' }
  const rest = { protocol: 'https', retries: 1, healthChecks: { passive: { recoverSeconds: 1 } } }
  await set('checked', { ...rest, tls: checked })
  await deploy('checked', server.port)
  await waitFor(async () => (await statusOf('checked')) === 200, { what: 'the service being reached' })
  deepEqual([...server.names], ['inner.example'])
  await set('checked', { ...rest, tls: { ...checked, serverName: 'other.example' } })
  // 503 while Kong's own mark of the failed handshake lasts.
  const isRefused = async () => [502, 503].includes(await statusOf('checked'))
  await waitFor(isRefused, { what: 'another name being refused' })
  const { ca_certificates: ids } = await kongService('checked')
  // The authority stays while something is checked by it, and goes after the last.
  await stack.consul.deleteKey('mesh/authorities/inner')
  await waitFor(() => problems().find(({ code }) => code === 'TLS_CERTIFICATE_MISSING'))
  await stack.settled()
  equal((await stack.admin('GET', `/ca_certificates/${ids[0]}`)).status, 200)
  await set('checked', rest)
  await waitFor(async () => (await stack.admin('GET', `/ca_certificates/${ids[0]}`)).status === 404)
  const row = await kongService('checked')
  deepEqual([row.tls_verify, row.ca_certificates], [null, null])
  await waitFor(async () => (await statusOf('checked')) === 200, {
    what: 'the service being reached unchecked',
  })
})

test('a service that names what is not there is not created before it is', async () => {
  const client = makeCertificate(['gateway'])
  const server = await startSecure(makeCertificate(['late.example']))
  await set('late', { protocol: 'https', tls: { clientCertificate: 'client' } })
  await deploy('late', server.port)
  const problem = await waitFor(() => problems().find(({ service }) => service === 'late'))
  match(problem.message, /tls names mesh\/certificates\/client, which is not there/)
  equal((await stack.admin('GET', '/services/mesh.late')).status, 404)
  await sealed('client', client, [])
  await waitFor(async () => (await statusOf('late')) === 200, { what: 'the service being reached' })
  deepEqual([...server.clients.keys()], [serialOf(client)])
})

test('two services on one address, of which one is checked, are told', async () => {
  const authority = makeCertificate(['authority'], { isAuthority: true })
  const server = await startSecure(makeCertificate(['mixed.example'], { by: authority }))
  await stack.consul.setKey('mesh/authorities/mixed', JSON.stringify({ cert: authority.cert }))
  await set('sure', { protocol: 'https', tls: { verify: true, serverName: 'mixed.example', ca: ['mixed'] } })
  await set('unsure', { protocol: 'https' })
  await deploy('sure', server.port)
  await deploy('unsure', server.port)
  const { service, message } = await waitFor(() => problems().find(({ code }) => code === 'TLS_MIXED'))
  equal(service, 'sure')
  match(message, /is not verified for sure/)
})

test('the gateway shows its identity of Consul Connect, and a new one under 200 requests a second without a failed one', async () => {
  const server = await startSecure(makeCertificate(['leaf.example']))
  await set('leaf', { protocol: 'https', tls: { clientCertificate: 'connect' } })
  await deploy('leaf', server.port)
  await waitFor(async () => (await statusOf('leaf')) === 200, { what: 'the service being reached' })
  equal(server.clients.size, 1)
  const sent: Promise<number>[] = []
  const every = setInterval(() => sent.push(statusOf('leaf')), 5)
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const authorityKey = privateKey.export({ type: 'sec1', format: 'pem' }).toString()
  await stack.consul.request('PUT', '/connect/ca/configuration', {
    Provider: 'consul',
    Config: { PrivateKey: authorityKey, RootCert: '', LeafCertTTL: '72h', RotationPeriod: '2160h' },
  })
  await waitFor(() => server.clients.size === 2, { what: 'the new identity being shown' })
  const before = sent.length
  await waitFor(() => sent.length > before + 50)
  clearInterval(every)
  const failed = (await Promise.all(sent)).filter((status) => status !== 200)
  deepEqual(failed, [])
  const { Roots } = (await stack.consul.request('GET', '/connect/ca/roots')) as {
    Roots: { RootCert: string }[]
  }
  const keys = Roots.map(({ RootCert }) => new X509Certificate(RootCert).publicKey)
  for (const shownBy of server.clients.values()) ok(keys.some((key) => shownBy.verify(key)))
  match([...server.clients.values()].at(-1)!.subjectAltName ?? '', /spiffe:.*svc\/edge/)
})
