import { deepEqual, equal, match } from 'node:assert/strict'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import type { CatalogChange } from '../../../operator/consul/catalog-watch.ts'
import type { KvWrite } from '../../../operator/core/settings-status.ts'
import { ExternalBook } from '../../../operator/sync/external-book.ts'
import { type ServiceTls, serviceTls } from '../../../operator/sync/probe-request.ts'
import { silentLogger } from '../../../operator/telemetry/logger.ts'
import { deferred } from '../../support/deferred.ts'
import { makeCertificate } from '../../support/make-certificate.ts'
import { waitFor } from '../../support/wait-for.ts'

const catalog = (names: readonly string[]): CatalogChange => ({
  snapshot: { services: new Map(names.map((name) => [name, [{ id: `${name}-1` } as never]])) },
  changed: names,
  reasons: new Map(),
  changedAtMs: 1,
  isReset: false,
})
const key = 'mesh/external/shop'
const documents = (document: object) => new Map([[key, JSON.stringify(document)]])

function startBook(isLeading = true, tls: Partial<ServiceTls> = {}) {
  const told: CatalogChange[] = []
  const writes: KvWrite[] = []
  const known: string[] = []
  const book = new ExternalBook({
    writer: {
      write: async (write) => writes.push(write) > 0,
      force: async () => {},
      close: () => {},
    },
    log: silentLogger,
    isActive: () => isLeading,
    tlsOf: () => ({ verify: false, serverName: null, ca: [], client: null, missing: [], ...tls }),
    onChange: (change) => void told.push(change),
    onKnown: (service) => void known.push(service),
  })
  const checks = () =>
    told
      .at(-1)
      ?.snapshot.services.get('shop')
      ?.map((each) => each.checks[0]?.status ?? 'none')
  return { book, told, writes, known, checks }
}

test('an external service joins the catalog, gives way to one of its name, and leaves with its document', () => {
  const { book, told } = startBook()
  book.setDocuments(documents({ hostname: 'shop.example.com', port: 443 }))
  equal(told.length, 0, 'nothing is told before the catalog is known')
  book.setCatalog(catalog(['web']))
  deepEqual([...told[0]!.snapshot.services.keys()], ['web', 'shop'])
  book.setCatalog(catalog(['web', 'shop']))
  equal(told[1]!.snapshot.services.get('shop')?.[0]?.id, 'shop-1')
  match(
    book.problems()[0]!.message,
    /mesh\/external\/shop is not used: the catalog has a service of that name/,
  )
  book.setCatalog(catalog(['web']))
  book.setDocuments(new Map())
  deepEqual(
    [told.at(-1)!.changed, [...told.at(-1)!.snapshot.services.keys()], book.problems()],
    [['shop'], ['web'], []],
  )
  book.stop()
})

test('a refused document leaves the last good one, and KV says why', async () => {
  const { book, told, writes } = startBook()
  book.setRows(new Map())
  book.setCatalog(catalog([]))
  book.setDocuments(documents({ hostname: 'shop.example.com', port: 443 }))
  book.setDocuments(documents({ hostname: 'shop.example.com', port: 0 }))
  equal(told.at(-1)!.snapshot.services.get('shop')?.[0]?.port, 443)
  await waitFor(() => writes.length > 0)
  equal(writes[0]!.key, 'mesh/status/external/shop')
  match(writes[0]!.text!, /port must be a whole number from 1 to 65535/)
  book.stop()
})

test('a place is as its probe finds it, by the rules of Consul, whether the operator leads or not', async () => {
  let status = 200
  const server = createServer((_request, response) => void response.writeHead(status).end())
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const probed = (path: string, over: object = {}) =>
    documents({ hostname: '127.0.0.1', port, healthCheck: { http: path, intervalSeconds: 1, ...over } })
  const [leading, following] = [startBook(), startBook(false)]
  for (const { book } of [leading, following]) {
    book.setCatalog(catalog([]))
    book.setDocuments(probed('/one'))
  }
  await waitFor(() => leading.checks()?.[0] === 'passing')
  status = 429
  leading.book.setDocuments(probed('/two'))
  await waitFor(() => leading.checks()?.[0] === 'warning')
  status = 302
  leading.book.setDocuments(probed(`http://127.0.0.1:${port}/three`))
  await waitFor(() => leading.checks()?.[0] === 'critical')
  await waitFor(() => following.checks()?.[0] === 'critical', { what: 'a follower probing by its interval' })
  server.closeAllConnections()
  server.close()
  await waitFor(() =>
    /ECONNREFUSED|refused/.test(JSON.stringify(leading.told.at(-1)!.snapshot.services.get('shop'))),
  )
  for (const { book } of [leading, following]) book.stop()
})

test('until the first probe is over a service is unknown, and then that is told once it is known', async () => {
  const asked = deferred<() => void>()
  const server = createServer((_request, response) => {
    asked.resolve(() => void response.writeHead(200).end())
  })
  await new Promise<void>((done) => server.listen(0, '::1', done))
  const { port } = server.address() as AddressInfo
  const { book, known, checks } = startBook()
  book.setCatalog(catalog([]))
  book.setDocuments(documents({ hostname: '::1', port, healthCheck: { http: '/', timeoutMs: 60_000 } }))
  deepEqual([book.isUnknown('shop'), book.isUnknown('other'), known], [true, false, []])
  const answer = await asked.promise
  answer()
  await waitFor(() => known.length > 0)
  deepEqual([book.isUnknown('shop'), known, checks()], [false, ['shop'], ['passing']])
  book.stop()
  server.closeAllConnections()
  server.close()
})

test('a probe speaks TLS as Kong does: its check, its name and its certificate', async (t) => {
  const authority = makeCertificate(['authority'], { isAuthority: true })
  const client = makeCertificate(['gateway'], { by: authority })
  const seen: { readonly name: unknown; readonly host: string | undefined; readonly client: unknown }[] = []
  const server = createSecureServer(
    {
      ...makeCertificate(['shop.internal'], { by: authority }),
      requestCert: true,
      ca: authority.cert,
      rejectUnauthorized: false,
    },
    ({ socket, headers }, response) => {
      const { servername, authorized } = socket as TLSSocket & { servername: unknown }
      seen.push({ name: servername, host: headers.host, client: authorized })
      response.writeHead(200).end()
    },
  )
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const statusWith = async (tls: Partial<ServiceTls>, http = '/') => {
    const { book, checks } = startBook(true, tls)
    book.setCatalog(catalog([]))
    book.setDocuments(
      documents({ hostname: '127.0.0.1', port, protocol: 'https', healthCheck: { http, timeoutMs: 60_000 } }),
    )
    await waitFor(() => !book.isUnknown('shop'))
    book.stop()
    return checks()?.[0]
  }
  const checked = { verify: true, serverName: 'shop.internal', ca: [authority.cert] }
  const found = [
    await statusWith({}),
    await statusWith({ ...checked, client }),
    await statusWith({ ...checked, serverName: 'other.internal' }),
    await statusWith({ ...checked, ca: [client.cert] }),
    await statusWith({ ...checked, missing: ['tls.ca internal'] }),
    // Another address than the place: the name is checked that is asked for.
    await statusWith({ ...checked, client }, `https://localhost:${port}/`),
  ]
  deepEqual(found, ['passing', 'passing', 'critical', 'critical', 'critical', 'critical'])
  deepEqual(seen, [
    { name: false, host: `127.0.0.1:${port}`, client: false },
    { name: 'shop.internal', host: 'shop.internal', client: true },
  ])
})

test('what tls of a service names becomes certificates, and what is not there is named', () => {
  const pems = {
    authority: (name: string) => (name === 'internal' ? 'PEM' : null),
    certificate: () => null,
  }
  const settings = { verify: true, serverName: 'a.b', ca: ['internal', 'gone'], clientCertificate: 'gateway' }
  deepEqual(serviceTls(settings, pems), {
    verify: true,
    serverName: 'a.b',
    ca: ['PEM'],
    client: null,
    missing: ['tls.ca gone', 'tls.clientCertificate gateway'],
  })
})
