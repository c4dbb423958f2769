/**
 * KV `mesh/certificates/<name>`: a certificate for hosts of one's own. Errors never tell what a key was.
 */

import { parseText } from '../settings-document.ts'
import { isRouteHost } from '../settings-value.ts'

export interface CertificateDocument {
  /** PEM, the chain after it; or a file below `certificates.folder` that holds it. */
  readonly cert: { readonly text: string } | { readonly file: string }
  /** Sealed by `kongsul seal`, or a file. A key in clear is refused: whoever reads KV would have it. */
  readonly key: { readonly sealed: string } | { readonly file: string }
  /** Names for which Kong shows it; `*.example.com` as well. None of one that is only shown to services. */
  readonly hosts: readonly string[]
}

export type ReadCertificateDocument =
  | { readonly ok: true; readonly document: CertificateDocument }
  | { readonly ok: false; readonly errors: readonly string[] }

export const CERTIFICATES_PREFIX = 'mesh/certificates/'
export const SEALED_PREFIX = 'sealed:'

const FIELDS = ['cert', 'certFile', 'key', 'keyFile', 'hosts']
const MOST_HOSTS = 100

export function readCertificateDocument(text: string): ReadCertificateDocument {
  const parsed = parseText(text)
  if (!parsed.ok) return refused('the document is neither JSON nor YAML')
  const { value } = parsed
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refused('the document must be an object')
  }
  const fields = value as Readonly<Record<string, unknown>>
  const errors = Object.keys(fields)
    .filter((name) => !FIELDS.includes(name))
    .map((name) => `${name} is not a field; known here: ${FIELDS.join(', ')}`)
  const texts = Object.fromEntries(
    ['cert', 'certFile', 'key', 'keyFile'].map((name) => {
      const given = fields[name]
      if (given !== undefined && (typeof given !== 'string' || given === ''))
        errors.push(`${name} must be text`)
      return [name, typeof given === 'string' && given !== '' ? given : null]
    }),
  )
  const { cert, certFile, key, keyFile } = texts as Readonly<Record<string, string | null>>
  if ((cert === null) === (certFile === null)) errors.push('one of cert and certFile must be given')
  if ((key === null) === (keyFile === null)) errors.push('one of key and keyFile must be given')
  if (key && !key.startsWith(SEALED_PREFIX)) {
    errors.push('key must be sealed: write what "kongsul seal" makes of it, or name a keyFile')
  }
  for (const [name, file] of [
    ['certFile', certFile],
    ['keyFile', keyFile],
  ] as const) {
    if (file && !isPlainPath(file)) {
      errors.push(`${name} must be a path below certificates.folder, without . and ..`)
    }
  }
  const hosts = hostsOf(fields.hosts, errors)
  if (errors.length > 0) return { ok: false, errors }
  return {
    ok: true,
    document: {
      cert: cert ? { text: cert } : { file: certFile! },
      key: key ? { sealed: key } : { file: keyFile! },
      hosts,
    },
  }
}

function hostsOf(given: unknown, errors: string[]): readonly string[] {
  if (given === undefined) return []
  if (!Array.isArray(given) || given.length > MOST_HOSTS) {
    errors.push(`hosts must be a list of at most ${MOST_HOSTS} names`)
    return []
  }
  given.forEach((host, index) => {
    const isHost = typeof host === 'string' && isRouteHost(host) && !host.includes(':')
    if (!isHost) errors.push(`hosts[${index}] must be a host name such as shop.example.com or *.example.com`)
  })
  // Of what is no text nothing is made: an object may even have a toString that is none.
  const names = given.filter((host) => typeof host === 'string')
  return [...new Set(names.map((host) => host.toLowerCase()))].sort()
}

export const isPlainPath = (path: string): boolean =>
  !path.startsWith('/') && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')

const refused = (error: string): ReadCertificateDocument => ({ ok: false, errors: [error] })
