import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** 256 bits, which AES-256 takes. */
export const KEY_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16
const PREFIX = 'sealed:v1:'

/** The key cannot be read, or what it shall open was not sealed with it. Never says what it was. */
export class SealError extends Error {
  override readonly name = 'SealError'
  readonly code = 'SEAL'
}

/** A key as a key file has it: 32 bytes in base64 or hex, with or without a line end. @throws SealError */
export function parseSealKey(text: string): Buffer {
  const trimmed = text.trim()
  const key = /^[0-9a-fA-F]{64}$/.test(trimmed) ? Buffer.from(trimmed, 'hex') : Buffer.from(trimmed, 'base64')
  if (key.length === KEY_BYTES) return key
  throw new SealError(
    `the key file must hold ${KEY_BYTES} random bytes in base64 or hex; make one with "openssl rand -base64 32"`,
  )
}

/**
 * A text that only the key opens (AES-256-GCM, a new nonce each time).
 * @param purpose what it is for; it opens for nothing else
 */
export function seal(plain: string, key: Buffer, purpose: string): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(purpose, 'utf8'))
  const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
  return PREFIX + Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64')
}

/** @throws SealError */
export function unseal(text: string, key: Buffer, purpose: string): string {
  const bytes = text.startsWith(PREFIX) ? Buffer.from(text.slice(PREFIX.length), 'base64') : Buffer.alloc(0)
  if (bytes.length < IV_BYTES + TAG_BYTES) throw new SealError('it is not what "kongsul seal" makes')
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES))
    .setAAD(Buffer.from(purpose, 'utf8'))
    .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
  try {
    const opened = [decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]
    return Buffer.concat(opened).toString('utf8')
  } catch (cause) {
    throw new SealError('it was sealed with another key, for another name, or was changed since', { cause })
  }
}
