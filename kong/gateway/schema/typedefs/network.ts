/** Hosts, addresses, ports, server names, protocols. */

import { isIpOrCidr, PORT_ERROR, parseAddress } from '../address.ts'
import type { CustomValidator, Field } from '../field.ts'

export const PROTOCOLS = ['grpc', 'grpcs', 'http', 'https', 'tcp', 'tls', 'tls_passthrough', 'udp'] as const
export const HTTP_PROTOCOLS = ['grpc', 'grpcs', 'http', 'https'] as const

export const PROTOCOL: Field = { type: 'string', one_of: PROTOCOLS }

export const PROTOCOL_SET: Field = {
  type: 'set',
  required: true,
  default: [...HTTP_PROTOCOLS],
  elements: PROTOCOL,
}

export const HTTP_PROTOCOL_SET: Field = {
  type: 'set',
  required: true,
  default: [...HTTP_PROTOCOLS],
  elements: { type: 'string', one_of: HTTP_PROTOCOLS },
}

export const PORT: Field = { type: 'integer', between: [0, 65535] }

/** Milliseconds. */
export const TIMEOUT: Field = { type: 'integer', between: [0, 2 ** 31 - 2] }

export const HOST: Field = { type: 'string', custom_validator: (host) => hostError(String(host), false) }

const optionalPort: CustomValidator = (host) => {
  const address = parseAddress(String(host))
  return address.type === 'invalid' ? address.error : undefined
}

export const HOST_WITH_OPTIONAL_PORT: Field = { type: 'string', custom_validator: optionalPort }

export const SNI: Field = { type: 'string', custom_validator: (host) => hostError(String(host), true) }

/** A name with at most one `*`, first or last. */
export const WILDCARD_HOST: Field = {
  type: 'string',
  custom_validator: (value) => {
    const host = String(value)
    const star = host.indexOf('*')
    if (star < 0) return hostError(host, true)
    if (star !== 0 && star !== host.length - 1) return 'wildcard must be leftmost or rightmost character'
    if (host.split('*').length > 2) return 'only one wildcard must be specified'
    return hostError(host.replace('*', 'wildcard'), true)
  },
}

/** Hosts of a route: `*` stands for the first or the last label; a port may follow. */
export const ROUTE_HOSTS: Field = {
  type: 'array',
  elements: {
    type: 'string',
    match_all: [{ pattern: '^[^*]*%*?[^*]*$', err: 'invalid wildcard: must have at most one wildcard' }],
    match_any: {
      patterns: ['^%*%.', '%.%*$', '^[^*]*$'],
      err: 'invalid wildcard: must be placed at leftmost or rightmost label',
    },
    custom_validator: (host) => optionalPort(String(host).replaceAll('*', 'abc')),
  },
}

export const IP_OR_CIDR: Field = {
  type: 'string',
  custom_validator: (value) =>
    isIpOrCidr(String(value)) ? undefined : `invalid ip or cidr range: '${value}'`,
}

/** `sources` and `destinations` of stream routes. */
export const ENDPOINTS: Field = {
  type: 'set',
  elements: {
    type: 'record',
    fields: [{ ip: IP_OR_CIDR }, { port: PORT }],
    entity_checks: [{ at_least_one_of: ['ip', 'port'] }],
  },
}

function hostError(host: string, isNameOnly: boolean): string | undefined {
  const address = parseAddress(host)
  if (address.type === 'invalid') {
    return address.error === PORT_ERROR ? 'must not have a port' : `invalid value: ${host}`
  }
  if (isNameOnly && address.type !== 'name') return 'must not be an IP'
  return address.port === undefined ? undefined : 'must not have a port'
}
