import { createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { readPrivateKeyText } from '../identity/private-key-file.ts'

export interface SignerOptions {
  /** What `kongsul identity issue` told, or the file it was written to. */
  readonly identity: { readonly text: string } | { readonly file: string }
  /** Epoch ms. */
  readonly nowMs: () => number
  /** A file that cannot be read any more, or holds no key: the last one goes on. */
  readonly onFault: (error: Error) => void
}

/** Kong takes tokens that last up to 300 s; the rest is for clocks that differ. */
const LASTS_SECONDS = 240
/** Signed anew after half of it: a token is never about to end, and a new key in the file is used within two minutes. */
const RENEWED_AFTER_MS = 120_000

interface Key {
  readonly issuer: string
  readonly key: KeyObject
}

/** Says who calls: short-lived tokens (ES256), signed with the key of the service. */
export class Signer {
  readonly #options: SignerOptions
  #key: Key
  #mtimeMs = 0
  #token: { readonly text: string; readonly renewAtMs: number } | null = null

  /** @throws TypeError when there is no key in what was given */
  constructor(options: SignerOptions) {
    this.#options = options
    this.#key = this.#read()
  }

  /** For the header Authorization. The same text until it is renewed. */
  authorization(): string {
    const nowMs = this.#options.nowMs()
    // A clock that was put back must not keep a token for longer.
    const isFresh =
      this.#token !== null &&
      nowMs < this.#token.renewAtMs &&
      nowMs > this.#token.renewAtMs - 2 * RENEWED_AFTER_MS
    if (isFresh) return this.#token!.text
    this.#readAgain()
    const text = `Bearer ${tokenOf(this.#key, Math.floor(nowMs / 1000))}`
    this.#token = { text, renewAtMs: nowMs + RENEWED_AFTER_MS }
    return text
  }

  #readAgain(): void {
    const { identity, onFault } = this.#options
    if (!('file' in identity)) return
    try {
      if (statSync(identity.file).mtimeMs !== this.#mtimeMs) this.#key = this.#read()
    } catch (error) {
      onFault(error as Error)
    }
  }

  #read(): Key {
    const { identity } = this.#options
    if ('text' in identity) return keyOf(identity.text, 'identity')
    const { mtimeMs } = statSync(identity.file)
    const key = keyOf(readFileSync(identity.file, 'utf8'), identity.file)
    this.#mtimeMs = mtimeMs
    return key
  }
}

function keyOf(text: string, where: string): Key {
  const read = readPrivateKeyText(text)
  if (read === null)
    throw new TypeError(`${where}: holds no private key with its issuer, as kongsul identity issue gives it`)
  const key = createPrivateKey(read.privateKey)
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new TypeError(`${where}: the private key is not on the curve P-256`)
  return { issuer: read.issuer, key }
}

function tokenOf({ issuer, key }: Key, nowSeconds: number): string {
  const claims = { iss: issuer, iat: nowSeconds, exp: nowSeconds + LASTS_SECONDS }
  const signed = `${encoded({ alg: 'ES256', typ: 'JWT' })}.${encoded(claims)}`
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
