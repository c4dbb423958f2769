import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** AES-256-GCM under a key of 32 bytes; the name goes in as associated data, so that a sealed text fits its place alone. */
const ALGORITHM = 'aes-256-gcm'
const VERSION = 'v1'
const IV_BYTES = 12
const TAG_BYTES = 16

/** @param text 32 bytes in base64 or hex. @throws TypeError */
export function sealKeyOf(text: string): Buffer {
  const plain = text.trim()
  const key = /^[0-9a-fA-F]{64}$/.test(plain) ? Buffer.from(plain, 'hex') : Buffer.from(plain, 'base64')
  if (key.length !== 32)
    throw new TypeError(
      'identities.keyFile: must hold 32 bytes in base64 or hex, such as openssl rand -base64 32 makes',
    )
  return key
}

export function seal(key: Buffer, name: string, secret: string): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(ALGORITHM, key, iv).setAAD(Buffer.from(name, 'utf8'))
  const body = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
  return [VERSION, ...[iv, body, cipher.getAuthTag()].map((each) => each.toString('base64url'))].join('.')
}

/** null for what was not sealed with this key for this name. */
export function unseal(key: Buffer, name: string, sealed: string): string | null {
  const [version, ...parts] = sealed.split('.')
  const [iv, body, tag] = parts.map((each) => Buffer.from(each, 'base64url'))
  if (version !== VERSION || iv?.length !== IV_BYTES || body === undefined || tag?.length !== TAG_BYTES)
    return null
  try {
    const decipher = createDecipheriv(ALGORITHM, key, iv).setAAD(Buffer.from(name, 'utf8')).setAuthTag(tag)
    return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
  } catch {
    return null // another key, another name, or somebody changed it
  }
}
