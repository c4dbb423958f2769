/** Consumers and their credentials. */

import type { Field } from '../field.ts'
import { ID, SECONDS } from '../typedefs/automatic.ts'
import { readKey } from '../typedefs/keys.ts'
import { TAGS } from '../typedefs/names.ts'
import type { EntityDefinition } from './entity-definition.ts'

const OWNER: Field = { type: 'foreign', reference: 'consumers', required: true, on_delete: 'cascade' }

export const CONSUMERS: EntityDefinition = {
  name: 'consumers',
  endpointKey: 'username',
  fields: [
    { id: ID },
    { created_at: SECONDS },
    { updated_at: SECONDS },
    { username: { type: 'string', unique: true } },
    { custom_id: { type: 'string', unique: true } },
    { tags: TAGS },
  ],
  entity_checks: [{ at_least_one_of: ['custom_id', 'username'] }],
}

export const KEYAUTH_CREDENTIALS: EntityDefinition = {
  name: 'keyauth_credentials',
  endpointKey: 'key',
  pathName: 'key-auths',
  nestedPathName: 'key-auth',
  ttl: true,
  fields: [
    { id: ID },
    { created_at: SECONDS },
    { consumer: OWNER },
    { key: { type: 'string', required: false, unique: true, auto: true } },
    { tags: TAGS },
  ],
}

export const ACLS: EntityDefinition = {
  name: 'acls',
  uniqueTogether: ['consumer', 'group'],
  fields: [
    { id: ID },
    { created_at: SECONDS },
    { consumer: OWNER },
    { group: { type: 'string', required: true } },
    { tags: TAGS },
  ],
}

const ALGORITHMS = 'HS256 HS384 HS512 RS256 RS384 RS512 ES256 ES384 ES512 PS256 PS384 PS512 EdDSA'.split(' ')

export const JWT_SECRETS: EntityDefinition = {
  name: 'jwt_secrets',
  endpointKey: 'key',
  pathName: 'jwts',
  nestedPathName: 'jwt',
  fields: [
    { id: ID },
    { created_at: SECONDS },
    { consumer: OWNER },
    { key: { type: 'string', required: false, unique: true, auto: true } },
    { secret: { type: 'string', auto: true } },
    { rsa_public_key: { type: 'string' } },
    { algorithm: { type: 'string', default: 'HS256', one_of: ALGORITHMS } },
    { tags: TAGS },
  ],
  entity_checks: [
    {
      conditional: {
        if_field: 'algorithm',
        if_match: {
          match_any: {
            patterns: ['^RS256$', '^RS384$', '^RS512$', '^PS256$', '^PS384$', '^PS512$', '^EdDSA$'],
          },
        },
        then_field: 'rsa_public_key',
        then_match: {
          required: true,
          custom_validator: (pem) => (readKey(String(pem)) ? undefined : 'invalid key'),
        },
      },
    },
  ],
}
