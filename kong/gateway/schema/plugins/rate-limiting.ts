/** rate-limiting, with the older names of its Redis settings. */

import type { Conditional, EntityCheck, Field, FieldType, Shorthand } from '../field.ts'
import type { ObjectValue, Value } from '../table.ts'
import { HEADER_NAME } from '../typedefs/names.ts'
import { HOST, HTTP_PROTOCOL_SET, PORT, SNI, TIMEOUT } from '../typedefs/network.ts'
import { PATH } from '../typedefs/paths.ts'
import { config, flag, type PluginDefinition } from './plugin-definition.ts'

const PERIODS = ['second', 'minute', 'hour', 'day', 'month', 'year'] as const

const LIMIT: Field = { type: 'number', gt: 0 }

const REDIS: Field = {
  type: 'record',
  fields: [
    { host: HOST },
    { port: { ...PORT, default: 6379 } },
    { timeout: { ...TIMEOUT, default: 2000 } },
    { username: { type: 'string', referenceable: true } },
    { password: { type: 'string', encrypted: true, referenceable: true, len_min: 0 } },
    { database: { type: 'integer', default: 0 } },
    { ssl: { type: 'boolean', required: false, default: false } },
    { ssl_verify: { type: 'boolean', required: false, default: false } },
    { server_name: { ...SNI, required: false } },
  ],
}

/** `redis_host` for `redis.host` and so on, until Kong 4.0. */
const olderName = (
  name: string,
  type: FieldType,
  more: Partial<Field> = {},
): { [name: string]: Shorthand } => ({
  [`redis_${name}`]: {
    type,
    ...more,
    deprecation: { replaced_with: [{ path: ['redis', name] }] },
    func: (value) => ({ redis: { [name]: value } }),
  },
})

const needs = (if_field: string, eq: string, then_field: string): EntityCheck => {
  const conditional: Conditional = { if_field, if_match: { eq }, then_field, then_match: { required: true } }
  return { conditional }
}

export const RATE_LIMITING: PluginDefinition = {
  name: 'rate-limiting',
  fields: [
    { protocols: HTTP_PROTOCOL_SET },
    config(
      [
        ...PERIODS.map((period) => ({ [period]: LIMIT })),
        {
          limit_by: {
            type: 'string',
            default: 'consumer',
            one_of: ['consumer', 'credential', 'ip', 'service', 'header', 'path'],
          },
        },
        { header_name: HEADER_NAME },
        { path: PATH },
        { policy: { type: 'string', default: 'local', len_min: 0, one_of: ['local', 'cluster', 'redis'] } },
        { fault_tolerant: flag(true) },
        { redis: REDIS },
        { hide_client_headers: flag(false) },
        { error_code: { type: 'number', default: 429, gt: 0 } },
        { error_message: { type: 'string', default: 'API rate limit exceeded' } },
        { sync_rate: { type: 'number', required: true, default: -1 } },
      ],
      {
        custom_validator: limitsError,
        shorthand_fields: [
          olderName('host', 'string'),
          olderName('port', 'integer'),
          olderName('password', 'string', { len_min: 0 }),
          olderName('username', 'string'),
          olderName('ssl', 'boolean'),
          olderName('ssl_verify', 'boolean'),
          olderName('server_name', 'string'),
          olderName('timeout', 'integer'),
          olderName('database', 'integer'),
        ],
      },
    ),
  ],
  entity_checks: [
    { at_least_one_of: PERIODS.map((period) => `config.${period}`) },
    needs('config.policy', 'redis', 'config.redis.host'),
    needs('config.policy', 'redis', 'config.redis.port'),
    needs('config.policy', 'redis', 'config.redis.timeout'),
    needs('config.limit_by', 'header', 'config.header_name'),
    needs('config.limit_by', 'path', 'config.path'),
  ],
}

/** A longer period may not allow less than a shorter one; sync_rate is for Redis. */
function limitsError(value: Value): string | undefined {
  const limits = value as ObjectValue
  for (const [index, lower] of PERIODS.entries()) {
    for (const upper of PERIODS.slice(index + 1)) {
      const [low, high] = [limits[lower], limits[upper]]
      if (typeof low !== 'number' || typeof high !== 'number' || high >= low) continue
      const text = `${upper}(${high.toFixed(1)}) cannot be lower than the limit for ${lower}(${low.toFixed(1)})`
      return `The limit for ${text}`
    }
  }
  const { policy, sync_rate: rate } = limits
  if (policy !== 'redis' && rate !== -1) return 'sync_rate can only be used with the redis policy'
  if (policy === 'redis' && rate !== -1 && typeof rate === 'number' && rate < 0.02) {
    return 'sync_rate must be greater than 0.02, or -1 to disable'
  }
  return undefined
}
