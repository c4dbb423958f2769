/** Certificates with their keys, certificates of authorities, server names. */

import type { ObjectValue } from '../table.ts'
import { ID, SECONDS } from '../typedefs/automatic.ts'
import { CERTIFICATE, KEY, publicPem, readCertificate, readKey } from '../typedefs/keys.ts'
import { TAGS } from '../typedefs/names.ts'
import { WILDCARD_HOST } from '../typedefs/network.ts'
import type { EntityDefinition } from './entity-definition.ts'

export const CERTIFICATES: EntityDefinition = {
  name: 'certificates',
  fields: [
    { id: ID },
    { created_at: SECONDS },
    { updated_at: SECONDS },
    { cert: { ...CERTIFICATE, required: true, referenceable: true } },
    { key: { ...KEY, required: true, referenceable: true, encrypted: true } },
    { cert_alt: { ...CERTIFICATE, required: false, referenceable: true } },
    { key_alt: { ...KEY, required: false, referenceable: true, encrypted: true } },
    { tags: TAGS },
    { snis: { type: 'array', elements: WILDCARD_HOST, required: false, transient: true } },
  ],
  entity_checks: [
    { mutually_required: ['cert_alt', 'key_alt'] },
    {
      custom_entity_check: {
        field_sources: ['cert', 'key'],
        fn: (entity) =>
          belongTogether(entity, 'cert', 'key') ? undefined : 'certificate does not match key',
      },
    },
    {
      custom_entity_check: {
        field_sources: ['cert_alt', 'key_alt'],
        fn: (entity) =>
          belongTogether(entity, 'cert_alt', 'key_alt')
            ? undefined
            : 'alternative certificate does not match key',
      },
    },
    { custom_entity_check: { field_sources: ['cert', 'cert_alt'], fn: sameKeyType } },
  ],
}

export const CA_CERTIFICATES: EntityDefinition = {
  name: 'ca_certificates',
  fields: [
    { id: ID },
    { created_at: SECONDS },
    { updated_at: SECONDS },
    { cert: { ...CERTIFICATE, required: true } },
    { cert_digest: { type: 'string', unique: true } },
    { tags: TAGS },
  ],
  entity_checks: [{ custom_entity_check: { field_sources: ['cert'], fn: authorityError } }],
}

export const SNIS: EntityDefinition = {
  name: 'snis',
  endpointKey: 'name',
  fields: [
    { id: ID },
    { name: { ...WILDCARD_HOST, required: true, unique: true } },
    { created_at: SECONDS },
    { updated_at: SECONDS },
    { tags: TAGS },
    { certificate: { type: 'foreign', reference: 'certificates', required: true } },
  ],
}

function belongTogether(entity: ObjectValue, certField: string, keyField: string): boolean {
  const { [certField]: cert, [keyField]: key } = entity
  if (typeof cert !== 'string' || typeof key !== 'string') return true
  const [certificate, pair] = [readCertificate(cert), readKey(key)]
  return !certificate || !pair || publicPem(certificate.publicKey) === publicPem(pair)
}

function sameKeyType({ cert, cert_alt: other }: ObjectValue): string | undefined {
  if (typeof cert !== 'string' || typeof other !== 'string') return undefined
  const type = (pem: string) => readCertificate(pem)?.publicKey.asymmetricKeyType
  if (type(cert) !== type(other)) return undefined
  return (
    'certificate and alternative certificate need to have different type (e.g. RSA and ECDSA), the provided ' +
    'certificates were both of the same type'
  )
}

const START = '-----BEGIN CERTIFICATE-----'

function authorityError({ cert }: ObjectValue, nowSeconds: number): string | undefined {
  const pem = String(cert)
  if (pem.split(START).length > 2) return 'please submit only one certificate at a time'
  const certificate = readCertificate(pem)
  if (certificate && Date.parse(certificate.validTo) / 1000 < nowSeconds) {
    return 'certificate expired, "Not After" time is in the past'
  }
  if (certificate?.ca) return undefined
  return 'certificate does not appear to be a CA because it is missing the "CA" basic constraint'
}
