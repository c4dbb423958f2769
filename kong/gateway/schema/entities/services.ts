/** Services: where requests go. */

import type { Conditional, Field } from '../field.ts'
import { luaString } from '../lua-text.ts'
import type { ObjectValue, Value } from '../table.ts'
import { ID, SECONDS } from '../typedefs/automatic.ts'
import { TAGS, UTF8_NAME } from '../typedefs/names.ts'
import { HOST, PORT, PROTOCOL } from '../typedefs/network.ts'
import { PATH } from '../typedefs/paths.ts'
import type { EntityDefinition } from './entity-definition.ts'

const NONZERO_TIMEOUT: Field = { type: 'integer', between: [1, 2 ** 31 - 2], default: 60_000 }

const unlessTls = (then_field: string): { conditional: Conditional } => ({
  conditional: {
    if_field: 'protocol',
    if_match: { not_one_of: ['https', 'tls'] },
    then_field,
    then_match: { eq: null },
  },
})

export const SERVICES: EntityDefinition = {
  name: 'services',
  endpointKey: 'name',
  fields: [
    { id: ID },
    { created_at: SECONDS },
    { updated_at: SECONDS },
    { name: UTF8_NAME },
    { retries: { type: 'integer', default: 5, between: [0, 32767] } },
    { protocol: { ...PROTOCOL, required: true, default: 'http' } },
    { host: { ...HOST, required: true } },
    { port: { ...PORT, required: true, default: 80 } },
    { path: PATH },
    { connect_timeout: NONZERO_TIMEOUT },
    { write_timeout: NONZERO_TIMEOUT },
    { read_timeout: NONZERO_TIMEOUT },
    { tags: TAGS },
    { client_certificate: { type: 'foreign', reference: 'certificates' } },
    { tls_verify: { type: 'boolean' } },
    { tls_verify_depth: { type: 'integer', default: null, between: [0, 64] } },
    { ca_certificates: { type: 'array', elements: { type: 'string', uuid: true } } },
    { enabled: { type: 'boolean', required: true, default: true } },
  ],
  entity_checks: [
    {
      conditional: {
        if_field: 'protocol',
        if_match: { one_of: ['tcp', 'tls', 'udp', 'grpc', 'grpcs'] },
        then_field: 'path',
        then_match: { eq: null },
      },
    },
    unlessTls('client_certificate'),
    unlessTls('tls_verify'),
    unlessTls('tls_verify_depth'),
    unlessTls('ca_certificates'),
  ],
  shorthand_fields: [{ url: { type: 'string', func: spreadUrl } }],
}

/** `url` stands for protocol, host, port and path; a part that is not in it gets its default or null. */
function spreadUrl(url: Value): ObjectValue | undefined {
  if (url === '') return undefined
  let rest = luaString(url).replace(/#.*$/s, '') // null is spelled out, and refused for its scheme
  let scheme: string | undefined
  rest = rest.replace(/^([A-Za-z0-9][A-Za-z0-9+\-.]*):/, (_, found: string) => {
    scheme = found
    return ''
  })
  let authority: string | undefined
  rest = rest.replace(/^\/\/([^/]*)/, (_, found: string) => {
    authority = found
    return ''
  })
  const path = rest.replace(/\?.*$/s, '').replace(/;.*$/s, '')
  let portText: string | undefined
  const host = authority?.replace(/^[^@]*@/, '').replace(/:([^:\]]*)$/, (_, found: string) => {
    portText = found
    return ''
  })
  const port = portText !== undefined && /^\s*\d+\s*$/.test(portText) ? Number(portText) : undefined
  const protocol = scheme ?? (port === 443 ? 'https' : 'http')
  return {
    protocol,
    host: host ? (/^\[(.+)\]$/.exec(host)?.[1] ?? host) : null,
    port: port ?? portText ?? (protocol === 'https' ? 443 : 80),
    path: path === '' ? null : path,
  }
}
