/**
 * What a service is given: its private key in PEM, with the issuer that its tokens have to name in a line before it.
 * `kongsul/client` reads it as it is; other programs read the PEM and the line.
 */

const ISSUER = /^# iss: (\S+)$/m

export const privateKeyText = (issuer: string, privateKey: string): string =>
  `# iss: ${issuer}\n${privateKey}`

export interface PrivateIdentity {
  /** Claim `iss` of tokens. */
  readonly issuer: string
  readonly privateKey: string
}

/** null for a text that is none. */
export function readPrivateKeyText(text: string): PrivateIdentity | null {
  const issuer = ISSUER.exec(text)?.[1]
  const privateKey = /-----BEGIN (?:EC )?PRIVATE KEY-----[\s\S]+-----END (?:EC )?PRIVATE KEY-----/.exec(
    text,
  )?.[0]
  return issuer === undefined || privateKey === undefined ? null : { issuer, privateKey }
}
