import { X509Certificate } from 'node:crypto'
import type { KongAdmin } from './kong-admin.ts'

/** A certificate that Kong serves or shows to upstreams, and when it ends. */
export interface CertificateEnd {
  /** Its SNIs, else the subject's common name, else its id. */
  readonly name: string
  readonly id: string
  /** Epoch seconds. */
  readonly endsAt: number
}

/**
 * What Kong holds of certificates; one that cannot be read is left out, since nothing else of it is known.
 * @throws KongError
 */
export async function readCertificates(admin: Pick<KongAdmin, 'list'>): Promise<readonly CertificateEnd[]> {
  const rows = await admin.list(['certificates'])
  return rows.flatMap(({ id, cert, snis }) => {
    const read = typeof cert === 'string' ? parse(cert) : null
    if (read === null || typeof id !== 'string') return []
    const names = Array.isArray(snis) ? snis.map(String) : []
    const common = /^CN=(.+)$/m.exec(read.subject ?? '')?.[1]
    const name = names.length > 0 ? names.sort().join(',') : (common ?? id)
    return { name, id, endsAt: Date.parse(read.validTo) / 1_000 }
  })
}

function parse(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem)
  } catch {
    return null // a reference to a vault, or what only another library reads
  }
}
