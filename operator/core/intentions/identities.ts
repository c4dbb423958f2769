/**
 * Identities of calling services as KV holds them: `mesh/identities/<service>/<kid>`, one public key each. Nothing in
 * it is secret; a Kong that lost its data is rebuilt from it.
 */

import { createPublicKey } from 'node:crypto'
import { compareText } from '../compare-text.ts'
import type { Problem } from '../problem.ts'
import type { KvRows } from '../settings-status.ts'

/** One key of a service. Times in epoch ms. */
export interface Identity {
  readonly service: string
  readonly kid: string
  readonly method: 'jwt' | 'key-auth'
  /** In PEM (SPKI), P-256; null for a key of key-auth, which is sealed elsewhere. */
  readonly publicKey: string | null
  readonly createdMs: number
  /** null: until it is revoked. */
  readonly expiresMs: number | null
  /** Who made it, for people. */
  readonly by: string
}

export interface ReadIdentities {
  /** Sorted by service and age; expired ones are not among them. */
  readonly list: readonly Identity[]
  readonly problems: readonly Problem[]
  /** Keys of rows that are over. */
  readonly expired: readonly string[]
}

export const IDENTITIES_PREFIX = 'mesh/identities/'

/** Keys of key-auth, sealed. Not below `mesh/`, which more people may read. */
export const SECRETS_PREFIX = 'mesh-secrets/identities/'
export const secretKey = (service: string, kid: string): string => `${SECRETS_PREFIX}${service}/${kid}`

const KID = /^[a-z0-9-]{1,64}$/

export const identityKey = (service: string, kid: string): string => `${IDENTITIES_PREFIX}${service}/${kid}`

export function identityText({ method, publicKey, createdMs, expiresMs, by }: Identity): string {
  return JSON.stringify({
    method,
    ...(publicKey === null ? {} : { algorithm: 'ES256', public_key: publicKey }),
    created: iso(createdMs),
    expires: expiresMs === null ? null : iso(expiresMs),
    by,
  })
}

/** What KV holds; a row that is no identity lets nobody in and is told. */
export function identitiesIn(rows: KvRows, nowMs: number): ReadIdentities {
  const list: Identity[] = []
  const problems: Problem[] = []
  const expired: string[] = []
  for (const [key, { text }] of rows) {
    if (!key.startsWith(IDENTITIES_PREFIX)) continue
    const slash = key.lastIndexOf('/')
    const service = key.slice(IDENTITIES_PREFIX.length, slash)
    const identity = readIdentity(service, key.slice(slash + 1), text)
    if (typeof identity === 'string') {
      const message = `KV ${key}: ${identity}; it lets nobody in`
      problems.push({ code: 'IDENTITY_INVALID', severity: 'error', service, message })
    } else if (identity.expiresMs !== null && identity.expiresMs <= nowMs) expired.push(key)
    else list.push(identity)
  }
  return { list: list.sort(byServiceAndAge), problems, expired }
}

/** When the first of them is over; null when none is. */
export const nextEndMs = (list: readonly Identity[]): number | null =>
  list.reduce<number | null>(
    (first, { expiresMs }) => (expiresMs === null ? first : Math.min(first ?? expiresMs, expiresMs)),
    null,
  )

function readIdentity(service: string, kid: string, text: string): Identity | string {
  if (service === '' || !KID.test(kid)) return 'the key must be mesh/identities/<service>/<kid>'
  let value: Record<string, unknown>
  try {
    value = JSON.parse(text) as Record<string, unknown>
  } catch {
    return 'the value is no JSON'
  }
  if (typeof value !== 'object' || value === null) return 'the value must be an object'
  const { method = 'jwt', algorithm, public_key: pem, created, expires = null, by = '' } = value
  const createdMs = Date.parse(String(created))
  const expiresMs = expires === null ? null : Date.parse(String(expires))
  if (Number.isNaN(createdMs)) return 'created must be a time (RFC 3339)'
  if (expiresMs !== null && Number.isNaN(expiresMs)) return 'expires must be a time (RFC 3339) or null'
  const plain = { service, kid, createdMs, expiresMs, by: String(by) }
  if (method === 'key-auth') return { ...plain, method, publicKey: null }
  if (method !== 'jwt') return 'method must be jwt or key-auth'
  if (algorithm !== 'ES256') return 'algorithm must be ES256'
  const publicKey = publicKeyOf(pem)
  if (publicKey === null) return 'public_key must be a public key on the curve P-256, in PEM'
  return { ...plain, method, publicKey }
}

/** The same key always is the same text. A private key is none: whoever reads KV could call as the service. */
export function publicKeyOf(pem: unknown): string | null {
  if (typeof pem !== 'string' || !pem.includes('-----BEGIN PUBLIC KEY-----')) return null
  const known = publicKeys.get(pem)
  if (known !== undefined) return known
  if (publicKeys.size >= MOST_KEYS) publicKeys.clear()
  const key = readPublicKey(pem)
  publicKeys.set(pem, key)
  return key
}

/** KV is read every few seconds, with the same keys; forgotten all at once. */
const publicKeys = new Map<string, string | null>()
const MOST_KEYS = 10_000

function readPublicKey(pem: string): string | null {
  try {
    const key = createPublicKey(pem)
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return null
    return String(key.export({ type: 'spki', format: 'pem' }))
  } catch {
    return null
  }
}

const byServiceAndAge = (left: Identity, right: Identity): number =>
  compareText(left.service, right.service) ||
  left.createdMs - right.createdMs ||
  compareText(left.kid, right.kid)

const iso = (ms: number): string => new Date(ms).toISOString()
