/** request-termination, request-size-limiting, ip-restriction, cors, prometheus and correlation-id. */

import type { Field } from '../field.ts'
import { pcreError } from '../pcre.ts'
import type { ObjectValue, Value } from '../table.ts'
import { HEADER_NAME } from '../typedefs/names.ts'
import { HTTP_PROTOCOL_SET, IP_OR_CIDR, PROTOCOL_SET } from '../typedefs/network.ts'
import { config, flag, NO_CONSUMER, type PluginDefinition } from './plugin-definition.ts'

export const REQUEST_TERMINATION: PluginDefinition = {
  name: 'request-termination',
  fields: [
    { protocols: HTTP_PROTOCOL_SET },
    config(
      [
        { status_code: { type: 'integer', required: true, default: 503, between: [100, 599] } },
        { message: { type: 'string' } },
        { content_type: { type: 'string' } },
        { body: { type: 'string' } },
        { echo: flag(false) },
        { trigger: HEADER_NAME },
      ],
      { custom_validator: terminationError },
    ),
  ],
}

function terminationError(value: Value): string | undefined {
  const { message, content_type: contentType, body, echo } = value as ObjectValue
  if (message && (contentType || body)) return 'message cannot be used with content_type or body'
  if (contentType && !body) return 'content_type requires a body'
  return echo && (contentType || body) ? 'echo cannot be used with content_type and body' : undefined
}

const SIZE_UNITS = ['megabytes', 'kilobytes', 'bytes'] as const

export const REQUEST_SIZE_LIMITING: PluginDefinition = {
  name: 'request-size-limiting',
  fields: [
    { protocols: HTTP_PROTOCOL_SET },
    config([
      { allowed_payload_size: { type: 'integer', default: 128 } },
      { size_unit: { type: 'string', required: true, default: 'megabytes', one_of: SIZE_UNITS } },
      { require_content_length: flag(false) },
    ]),
  ],
}

const ADDRESSES: Field = { type: 'array', elements: IP_OR_CIDR }

export const IP_RESTRICTION: PluginDefinition = {
  name: 'ip-restriction',
  fields: [
    { protocols: { ...PROTOCOL_SET, default: ['http', 'https', 'tcp', 'tls', 'grpc', 'grpcs'] } },
    config([
      { allow: ADDRESSES },
      { deny: ADDRESSES },
      { status: { type: 'number', required: false } },
      { message: { type: 'string', required: false } },
    ]),
  ],
  entity_checks: [{ at_least_one_of: ['config.allow', 'config.deny'] }],
}

const METHODS = ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']
const WORDS: Field = { type: 'array', elements: { type: 'string' } }

export const CORS: PluginDefinition = {
  name: 'cors',
  fields: [
    { consumer: NO_CONSUMER },
    { protocols: HTTP_PROTOCOL_SET },
    config([
      { origins: { type: 'array', elements: { type: 'string', custom_validator: originError } } },
      { headers: WORDS },
      { exposed_headers: WORDS },
      { methods: { type: 'array', default: METHODS, elements: { type: 'string', one_of: METHODS } } },
      { max_age: { type: 'number' } },
      { credentials: flag(false) },
      { private_network: flag(false) },
      { preflight_continue: flag(false) },
    ]),
  ],
}

function originError(origin: Value): string | undefined {
  if (origin === '*') return undefined
  return pcreError(String(origin)) === undefined ? undefined : `'${origin}' is not a valid regex`
}

const off: Field = { type: 'boolean', default: false }

export const PROMETHEUS: PluginDefinition = {
  name: 'prometheus',
  fields: [
    { protocols: PROTOCOL_SET },
    config([
      { per_consumer: off },
      { status_code_metrics: off },
      { ai_metrics: off },
      { latency_metrics: off },
      { bandwidth_metrics: off },
      { upstream_health_metrics: off },
    ]),
  ],
}

export const CORRELATION_ID: PluginDefinition = {
  name: 'correlation-id',
  fields: [
    { protocols: HTTP_PROTOCOL_SET },
    config([
      { header_name: { type: 'string', default: 'Kong-Request-ID' } },
      {
        generator: {
          type: 'string',
          default: 'uuid#counter',
          required: true,
          one_of: ['uuid', 'uuid#counter', 'tracker'],
        },
      },
      { echo_downstream: flag(false) },
    ]),
  ],
}
