import { generateKeyPairSync, randomBytes } from 'node:crypto'

export interface KeyPair {
  /** Names the key. */
  readonly kid: string
  /** PKCS 8 in PEM. Whoever has it can call as the service. */
  readonly privateKey: string
  /** SPKI in PEM. */
  readonly publicKey: string
}

/** A new key on P-256, for ES256. */
export function createKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    kid: createKid(),
    privateKey: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    publicKey: String(publicKey.export({ type: 'spki', format: 'pem' })),
  }
}

export const createKid = (): string => randomBytes(8).toString('hex')

/** A key for key-auth: 256 bits. */
export const createApiKey = (): string => randomBytes(32).toString('base64url')
