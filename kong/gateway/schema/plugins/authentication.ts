/** key-auth, jwt and acl. */

import type { Field } from '../field.ts'
import { HEADER_NAME } from '../typedefs/names.ts'
import { HTTP_PROTOCOL_SET } from '../typedefs/network.ts'
import { config, flag, NO_CONSUMER, type PluginDefinition } from './plugin-definition.ts'

const WORDS: Field = { type: 'array', elements: { type: 'string' } }
const NAMES: Field = { type: 'set', elements: { type: 'string' } }

export const KEY_AUTH: PluginDefinition = {
  name: 'key-auth',
  fields: [
    { consumer: NO_CONSUMER },
    { protocols: HTTP_PROTOCOL_SET },
    config([
      { key_names: { type: 'array', required: true, elements: HEADER_NAME, default: ['apikey'] } },
      { hide_credentials: flag(false) },
      { anonymous: { type: 'string' } },
      { key_in_header: flag(true) },
      { key_in_query: flag(true) },
      { key_in_body: flag(false) },
      { run_on_preflight: flag(true) },
      { realm: { type: 'string', required: false } },
    ]),
  ],
}

export const JWT: PluginDefinition = {
  name: 'jwt',
  fields: [
    { consumer: NO_CONSUMER },
    { protocols: HTTP_PROTOCOL_SET },
    config([
      { uri_param_names: { ...NAMES, default: ['jwt'] } },
      { cookie_names: { ...NAMES, default: [] } },
      { key_claim_name: { type: 'string', default: 'iss' } },
      { secret_is_base64: flag(false) },
      { claims_to_verify: { type: 'set', elements: { type: 'string', one_of: ['exp', 'nbf'] } } },
      { anonymous: { type: 'string' } },
      { run_on_preflight: flag(true) },
      { maximum_expiration: { type: 'number', default: 0, between: [0, 31536000] } },
      { header_names: { ...NAMES, default: ['authorization'] } },
      { realm: { type: 'string', required: false } },
    ]),
  ],
  entity_checks: [
    {
      conditional: {
        if_field: 'config.maximum_expiration',
        if_match: { gt: 0 },
        then_field: 'config.claims_to_verify',
        then_match: { contains: 'exp' },
      },
    },
  ],
}

export const ACL: PluginDefinition = {
  name: 'acl',
  fields: [
    { consumer: NO_CONSUMER },
    { protocols: HTTP_PROTOCOL_SET },
    config([
      { allow: WORDS },
      { deny: WORDS },
      { hide_groups_header: flag(false) },
      { always_use_authenticated_groups: flag(false) },
    ]),
  ],
  entity_checks: [
    { only_one_of: ['config.allow', 'config.deny'] },
    { at_least_one_of: ['config.allow', 'config.deny'] },
  ],
}
