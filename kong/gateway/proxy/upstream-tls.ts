import type { ServiceRow } from '../router/route-row.ts'
import type { Row, Store } from '../store.ts'
import type { Peer } from './choose-peer.ts'
import type { UpstreamTls } from './connection-pool.ts'

/** How to speak TLS to a service's peers. The service's client certificate goes before the upstream's. */
export function upstreamTls(store: Store, service: ServiceRow, peer: Peer, host: string): UpstreamTls {
  const certificateId =
    service.client_certificate?.id ?? peer.balanced?.balancer.upstream.client_certificate?.id
  const certificate = certificateId === undefined ? undefined : store.get('certificates', certificateId)
  return {
    host,
    verify: service.tls_verify ?? false,
    verifyDepth: service.tls_verify_depth ?? null,
    ca: authorities(store, service),
    clientCertificate: certificate
      ? { id: certificate.id, cert: certificate.cert as string, key: certificate.key as string }
      : null,
  }
}

function authorities(store: Store, service: ServiceRow): readonly string[] | undefined {
  if (!service.ca_certificates || service.ca_certificates.length === 0) return undefined
  return service.ca_certificates
    .map((id) => store.get('ca_certificates', id))
    .filter((row): row is Row => row !== undefined)
    .map((row) => row.cert as string)
}
