/** Whether a certificate and a key are good for Kong, looked at before it is asked. */

import { createPrivateKey, X509Certificate } from 'node:crypto'

export interface ReadyCertificate {
  readonly name: string
  readonly cert: string
  readonly key: string
  readonly hosts: readonly string[]
  /** Epoch ms. */
  readonly endsAtMs: number
}

export type JudgedCertificate =
  | { readonly ok: true; readonly certificate: ReadyCertificate; readonly advice: readonly string[] }
  | { readonly ok: false; readonly errors: readonly string[] }

export function judgeCertificate(
  name: string,
  cert: string,
  key: string,
  hosts: readonly string[],
  nowMs: number,
): JudgedCertificate {
  const read = attempt(() => new X509Certificate(cert))
  const privateKey = attempt(() => createPrivateKey(key))
  const errors: string[] = []
  if (read === null) errors.push('cert is no certificate in PEM')
  if (privateKey === null) errors.push('key is no private key in PEM, or has a passphrase')
  if (read !== null && privateKey !== null && !read.checkPrivateKey(privateKey)) {
    errors.push('key is not the key of cert')
  }
  if (read !== null && Date.parse(read.validFrom) > nowMs) {
    errors.push(`cert is not valid before ${new Date(read.validFrom).toISOString()}`)
  }
  if (read === null || errors.length > 0) return { ok: false, errors }
  const uncovered = hosts.filter((host) => !covers(read, host))
  const advice =
    uncovered.length === 0 ? [] : [`is not made out to ${uncovered.join(', ')}: clients will refuse it`]
  const endsAtMs = Date.parse(read.validTo)
  return { ok: true, certificate: { name, cert, key, hosts, endsAtMs }, advice }
}

/** Of a wildcard any name that it stands for. */
const covers = (read: X509Certificate, host: string): boolean =>
  host.endsWith('.*') || read.checkHost(host.replace(/^\*\./, 'any.')) !== undefined

function attempt<T>(make: () => T): T | null {
  try {
    return make()
  } catch {
    return null // the reason names parts of what was read, which may be a secret
  }
}
