import { deepEqual } from 'node:assert/strict'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { readProxied } from '../../../operator/cli/up/read-proxied.ts'
import { makeCertificate } from '../../support/make-certificate.ts'

test('the certificate of an https proxy is the one of its own name, whatever host is asked for', async () => {
  const certificate = makeCertificate(['localhost'])
  const server = https.createServer(certificate, (request, response) => {
    response.end(
      `${request.headers.host} ${(request.socket as TLSSocket & { servername: string }).servername}`,
    )
  })
  await new Promise<void>((done) => server.listen(0, done))
  const agent = new https.Agent({ ca: certificate.cert })
  const { status, body } = await readProxied(
    `https://localhost:${(server.address() as AddressInfo).port}`,
    'web.mesh',
    { agent },
  )
  server.close()
  deepEqual([status, body], [200, 'web.mesh localhost'])
})
