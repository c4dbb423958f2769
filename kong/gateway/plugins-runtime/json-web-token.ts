/** Tokens in JWS compact form, read and checked as Kong 3.9's jwt plugin does it. */

import { constants, createHmac, createPublicKey, type KeyObject, timingSafeEqual, verify } from 'node:crypto'

export interface JsonWebToken {
  readonly header: Claims
  readonly claims: Claims
  /** What is signed, and the signature over it. */
  readonly signed: Buffer
  readonly signature: Buffer
}

export type Claims = Readonly<Record<string, unknown>>

/** @returns what is wrong with it, in Kong's words */
export function readToken(token: string): JsonWebToken | 'invalid JSON' | 'invalid alg' | 'invalid claims' {
  const [head = '', body = '', ...rest] = token.split('.')
  const header = parse(head)
  const claims = parse(body)
  if (header === undefined || claims === undefined || rest.length === 0) return 'invalid JSON'
  if (!isObject(header) || typeof header.alg !== 'string' || !ALGORITHMS.has(header.alg)) return 'invalid alg'
  if (!isObject(claims)) return 'invalid claims'
  // Whatever follows a third dot belongs to the signature.
  const signature = Buffer.from(rest.join('.'), 'base64url')
  return { header, claims, signed: Buffer.from(`${head}.${body}`), signature }
}

/**
 * Is it signed with the key? For HS* the key is the secret itself, else a public key in PEM.
 * @throws Error where Kong's plugin fails: a key that is none, a signature of another length than the algorithm's
 */
export function isSignedWith(key: string, { header, signed, signature }: JsonWebToken): boolean {
  const { kind, hash, bytes } = ALGORITHMS.get(header.alg as string)!
  if (kind === 'hmac') {
    const own = createHmac(hash!, key).update(signed).digest()
    return own.length === signature.length && timingSafeEqual(own, signature)
  }
  if (bytes !== undefined && signature.length !== bytes) throw new Error(`Signature must be ${bytes} bytes.`)
  return verify(hash, signed, { key: publicKey(key), ...OPTIONS[kind] }, signature)
}

/** `exp` and `nbf` by what is wrong with them; null when nothing is. */
export function claimErrors(
  claims: Claims,
  names: readonly string[],
  nowSeconds: number,
): Readonly<Record<string, string>> | null {
  const errors: Record<string, string> = {}
  for (const name of names) {
    const value = claims[name]
    if (typeof value !== 'number') errors[name] = 'must be a number'
    else if (name === 'exp' && value <= nowSeconds) errors[name] = 'token expired'
    else if (name === 'nbf' && value > nowSeconds) errors[name] = 'token not valid yet'
  }
  return Object.keys(errors).length === 0 ? null : errors
}

type Kind = 'hmac' | 'rsa' | 'pss' | 'ecdsa' | 'eddsa'

interface Algorithm {
  readonly kind: Kind
  readonly hash: string | null
  /** How long a signature has to be, where Kong looks. */
  readonly bytes?: number
}

const BITS = [256, 384, 512] as const
const ECDSA_BYTES = { 256: 64, 384: 96, 512: 132 } as const

const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map([
  ...BITS.flatMap((bits): [string, Algorithm][] => {
    const hash = `sha${bits}`
    return [
      [`HS${bits}`, { kind: 'hmac', hash }],
      [`RS${bits}`, { kind: 'rsa', hash }],
      [`PS${bits}`, { kind: 'pss', hash, bytes: 256 }],
      [`ES${bits}`, { kind: 'ecdsa', hash, bytes: ECDSA_BYTES[bits] }],
    ]
  }),
  ['EdDSA', { kind: 'eddsa', hash: null }],
])

const OPTIONS = {
  rsa: {},
  pss: { padding: constants.RSA_PKCS1_PSS_PADDING },
  ecdsa: { dsaEncoding: 'ieee-p1363' },
  eddsa: {},
} as const

/** The same few keys sign all tokens; forgotten all at once. */
const keys = new Map<string, KeyObject>()
const MOST_KEYS = 1_000

function publicKey(pem: string): KeyObject {
  const known = keys.get(pem)
  if (known !== undefined) return known
  if (keys.size >= MOST_KEYS) keys.clear()
  const key = createPublicKey(pem)
  keys.set(pem, key)
  return key
}

function parse(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
  } catch {
    return undefined // no JSON: the caller says so
  }
}

const isObject = (value: unknown): value is Claims =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
