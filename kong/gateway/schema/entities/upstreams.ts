/** Upstreams: how requests are spread over targets, and when a target counts as healthy. */

import { parseAddress } from '../address.ts'
import type { Conditional, EntityCheck, Field, FieldList } from '../field.ts'
import type { ObjectValue, Value } from '../table.ts'
import { ID, SECONDS } from '../typedefs/automatic.ts'
import { COOKIE_NAME, HEADER_NAME, HEADERS, TAGS } from '../typedefs/names.ts'
import { HOST_WITH_OPTIONAL_PORT, SNI } from '../typedefs/network.ts'
import { PATH } from '../typedefs/paths.ts'
import type { EntityDefinition } from './entity-definition.ts'

const HASH_INPUTS = [
  'none',
  'consumer',
  'ip',
  'header',
  'cookie',
  'path',
  'query_arg',
  'uri_capture',
] as const

const HASH_ON: Field = { type: 'string', default: 'none', one_of: HASH_INPUTS }
const WORD: Field = { type: 'string', len_min: 1 }

const seconds = (value: number): Field => ({ type: 'number', between: [0, 65535], default: value })
const count = (): Field => ({ type: 'integer', between: [0, 255], default: 0 })
const statuses = (list: number[]): Field => ({
  type: 'array',
  elements: { type: 'integer', between: [100, 999] },
  default: list,
})
const CHECK_TYPE: Field = {
  type: 'string',
  one_of: ['tcp', 'http', 'https', 'grpc', 'grpcs'],
  default: 'http',
}

const OK_STATUSES = [
  200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 306, 307, 308,
]

/** A record whose default is the defaults of its fields. */
function recordOf(fields: FieldList): Field {
  const defaults: ObjectValue = {}
  for (const item of fields) {
    for (const [name, field] of Object.entries(item))
      if (field.default !== undefined) defaults[name] = field.default
  }
  return { type: 'record', fields, default: defaults }
}

const ACTIVE = recordOf([
  { type: CHECK_TYPE },
  { timeout: seconds(1) },
  { concurrency: { type: 'integer', between: [1, 2 ** 31], default: 10 } },
  { http_path: { ...PATH, default: '/' } },
  { https_sni: { ...SNI, required: false } },
  { https_verify_certificate: { type: 'boolean', default: true, required: true } },
  { headers: { ...HEADERS, required: false } },
  {
    healthy: recordOf([
      { interval: seconds(0) },
      { http_statuses: statuses([200, 302]) },
      { successes: count() },
    ]),
  },
  {
    unhealthy: recordOf([
      { interval: seconds(0) },
      { http_statuses: statuses([429, 404, 500, 501, 502, 503, 504, 505]) },
      { tcp_failures: count() },
      { timeouts: count() },
      { http_failures: count() },
    ]),
  },
])

const PASSIVE = recordOf([
  { type: CHECK_TYPE },
  { healthy: recordOf([{ http_statuses: statuses(OK_STATUSES) }, { successes: count() }]) },
  {
    unhealthy: recordOf([
      { http_statuses: statuses([429, 500, 503]) },
      { tcp_failures: count() },
      { timeouts: count() },
      { http_failures: count() },
    ]),
  },
])

const HEALTHCHECKS: Field = {
  ...recordOf([{ active: ACTIVE }, { passive: PASSIVE }]),
  fields: [
    { active: ACTIVE },
    { passive: PASSIVE },
    { threshold: { type: 'number', default: 0, between: [0, 100] } },
  ],
}

const needs = (if_field: string, input: string, then_field: string): EntityCheck => ({
  conditional: { if_field, if_match: { match: `^${input}$` }, then_field, then_match: { required: true } },
})

/** What may stand in for a hash input that a request lacks: anything but that input itself. */
const fallbackFor = (input: string, one_of: Conditional['then_match']['one_of']): EntityCheck => ({
  conditional: {
    if_field: 'hash_on',
    if_match: { match: `^${input}$` },
    then_field: 'hash_fallback',
    then_match: { one_of: one_of ?? [] },
  },
})

export const UPSTREAMS: EntityDefinition = {
  name: 'upstreams',
  endpointKey: 'name',
  fields: [
    { id: ID },
    { created_at: SECONDS },
    {
      name: {
        type: 'string',
        required: true,
        unique: true,
        custom_validator: (name) => upstreamNameError(String(name)),
      },
    },
    { updated_at: SECONDS },
    {
      algorithm: {
        type: 'string',
        default: 'round-robin',
        one_of: ['consistent-hashing', 'least-connections', 'round-robin', 'latency'],
      },
    },
    { hash_on: HASH_ON },
    { hash_fallback: HASH_ON },
    { hash_on_header: HEADER_NAME },
    { hash_fallback_header: HEADER_NAME },
    { hash_on_cookie: COOKIE_NAME },
    { hash_on_cookie_path: { ...PATH, default: '/' } },
    { hash_on_query_arg: WORD },
    { hash_fallback_query_arg: WORD },
    { hash_on_uri_capture: WORD },
    { hash_fallback_uri_capture: WORD },
    { slots: { type: 'integer', default: 10_000, between: [10, 65536] } },
    { healthchecks: HEALTHCHECKS },
    { tags: TAGS },
    { host_header: HOST_WITH_OPTIONAL_PORT },
    { client_certificate: { type: 'foreign', reference: 'certificates' } },
    { use_srv_name: { type: 'boolean', default: false } },
  ],
  entity_checks: [
    needs('hash_on', 'header', 'hash_on_header'),
    needs('hash_fallback', 'header', 'hash_fallback_header'),
    needs('hash_on', 'cookie', 'hash_on_cookie'),
    needs('hash_fallback', 'cookie', 'hash_on_cookie'),
    fallbackFor('none', ['none']),
    fallbackFor('cookie', ['none']),
    fallbackFor('consumer', ['none', 'ip', 'header', 'cookie', 'path', 'query_arg', 'uri_capture']),
    fallbackFor('ip', ['none', 'consumer', 'header', 'cookie', 'path', 'query_arg', 'uri_capture']),
    fallbackFor('path', ['none', 'consumer', 'header', 'cookie', 'query_arg', 'ip', 'uri_capture']),
    { distinct: ['hash_on_header', 'hash_fallback_header'] },
    needs('hash_on', 'query_arg', 'hash_on_query_arg'),
    needs('hash_fallback', 'query_arg', 'hash_fallback_query_arg'),
    { distinct: ['hash_on_query_arg', 'hash_fallback_query_arg'] },
    needs('hash_on', 'uri_capture', 'hash_on_uri_capture'),
    needs('hash_fallback', 'uri_capture', 'hash_fallback_uri_capture'),
    { distinct: ['hash_on_uri_capture', 'hash_fallback_uri_capture'] },
  ],
  shorthand_fields: [
    { algorithm: { type: 'string', func: spreadAlgorithm } },
    { hash_on: { type: 'string', func: spreadHashOn } },
  ],
}

function upstreamNameError(name: string): string | undefined {
  const address = parseAddress(name)
  const start = `Invalid name ('${name}')`
  if (address.type === 'invalid') return `${start}; must be a valid hostname`
  if (address.type !== 'name') return `${start}; no ip addresses allowed`
  return address.port === undefined ? undefined : `${start}; no port allowed`
}

/** Older configurations choose the algorithm by hash_on alone; so each of the two fields adjusts the other. */
function spreadAlgorithm(algorithm: Value): ObjectValue {
  const isWithoutHash = algorithm === 'least-connections' || algorithm === 'latency'
  return isWithoutHash ? { algorithm, hash_on: null } : { algorithm }
}

function spreadHashOn(input: Value): ObjectValue {
  if (input === null) return { hash_on: 'none' }
  return { hash_on: input, algorithm: input === 'none' ? 'round-robin' : 'consistent-hashing' }
}
