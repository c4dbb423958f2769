/**
 * Certificates and private keys in PEM. OpenSSL's texts depend on its build; the ones here are those of Kong 3.9.1's
 * recordings, as far as they can be told from the input.
 */

import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { Field } from '../field.ts'

export function readCertificate(pem: string): X509Certificate | undefined {
  if (!pem.includes('-----BEGIN')) return undefined
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined // not a certificate: the caller says so
  }
}

/** A private key, or a public one where the text holds nothing else. */
export function readKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    try {
      return createPublicKey(pem)
    } catch {
      return undefined // neither: the caller says so
    }
  }
}

/** The public half as PEM, to compare keys by. */
export const publicPem = (key: KeyObject): string =>
  createPublicKey(
    key.type === 'private'
      ? key.export({ type: 'pkcs8', format: 'pem' })
      : key.export({ type: 'spki', format: 'pem' }),
  )
    .export({ type: 'spki', format: 'pem' })
    .toString()

export const CERTIFICATE: Field = {
  type: 'string',
  custom_validator: (pem) =>
    readCertificate(String(pem)) ? undefined : `invalid certificate: x509.new: ${derError(String(pem))}`,
}

export const KEY: Field = {
  type: 'string',
  custom_validator: (pem) =>
    readKey(String(pem)) && !String(pem).includes('-----BEGIN CERTIFICATE')
      ? undefined
      : 'invalid key: pkey.new:load_key: error:1E08010C:DECODER routines:OSSL_DECODER_from_bio:unsupported:' +
        'crypto/encode_decode/decoder_lib.c:103:',
}

/** What is no PEM is read as DER: too short for its own length byte, or not of the right structure. */
function derError(text: string): string {
  const bytes = Buffer.from(text, 'utf8')
  const tooShort =
    'error:680008E:asn1 encoding routines:asn1_d2i_read_bio:not enough data:crypto/asn1/a_d2i_fp.c'
  if (bytes.length < 2) return `${tooShort}:155:`
  const length = bytes[1] as number
  if (length > 127 || bytes.length < length + 2) return `${tooShort}:283:`
  return 'error:688010A:asn1 encoding routines:asn1_item_embed_d2i:nested asn1 error:crypto/asn1/tasn_dec.c:375:'
}
