/** KV `mesh/authorities/<name>`: who signs certificates of services. The text is the certificate, or {cert | certFile}. */

import { X509Certificate } from 'node:crypto'
import { parseText } from '../settings-document.ts'
import { isPlainPath } from './certificate-document.ts'

export const AUTHORITIES_PREFIX = 'mesh/authorities/'

export type ReadAuthorityDocument =
  | { readonly ok: true; readonly cert: { readonly text: string } | { readonly file: string } }
  | { readonly ok: false; readonly errors: readonly string[] }

export function readAuthorityDocument(text: string): ReadAuthorityDocument {
  if (text.includes('-----BEGIN') && !/^\s*[{[]|^cert/.test(text)) return { ok: true, cert: { text } }
  const parsed = parseText(text)
  const value = parsed.ok && typeof parsed.value === 'object' ? (parsed.value as Record<string, unknown>) : {}
  const { cert, certFile, ...others } = value
  const errors = Object.keys(others).map((name) => `${name} is not a field; known here: cert, certFile`)
  const given = [cert, certFile].filter((each) => each !== undefined)
  if (given.length !== 1 || typeof given[0] !== 'string')
    errors.push('one of cert and certFile must be given, as text')
  if (typeof certFile === 'string' && !isPlainPath(certFile)) {
    errors.push('certFile must be a path below certificates.folder, without . and ..')
  }
  if (errors.length > 0) return { ok: false, errors }
  return { ok: true, cert: typeof cert === 'string' ? { text: cert } : { file: String(certFile) } }
}

/** What is wrong with the certificate of an authority; null for nothing. Kong takes one at a time. */
export function faultOfAuthority(cert: string): string | null {
  if ((cert.match(/-----BEGIN CERTIFICATE-----/g) ?? []).length !== 1) {
    return 'cert must hold one certificate in PEM; write each into a document of its own'
  }
  try {
    const read = new X509Certificate(cert)
    if (!read.ca) return 'cert is not that of an authority (basicConstraints says so)'
    return null
  } catch {
    return 'cert is no certificate in PEM'
  }
}
