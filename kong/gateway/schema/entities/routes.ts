/** Routes: which requests go to a service. Some fields depend on the first protocol that has rules of its own. */

import type { ConditionalAtLeastOneOf, Field, FieldList } from '../field.ts'
import { type RecordSchema, recordSchema } from '../record-schema.ts'
import { routeExpressionError } from '../route-expression.ts'
import { ID, SECONDS } from '../typedefs/automatic.ts'
import { HEADER_NAME, HEADERS, HTTP_METHOD, TAGS, UTF8_NAME } from '../typedefs/names.ts'
import { ENDPOINTS, PROTOCOL, ROUTE_HOSTS, WILDCARD_HOST } from '../typedefs/network.ts'
import { ROUTE_PATHS } from '../typedefs/paths.ts'
import type { EntityDefinition } from './entity-definition.ts'

const METHODS: Field = { type: 'set', elements: HTTP_METHOD }

const ROUTE_HEADERS: Field = {
  ...HEADERS,
  keys: {
    ...HEADER_NAME,
    match_none: [
      {
        pattern: '^[Hh][Oo][Ss][Tt]$',
        err: "cannot contain 'host' header, which must be specified in the 'hosts' attribute",
      },
    ],
  },
}

const flag = (value: boolean): Field => ({ type: 'boolean', required: true, default: value })

export const ROUTES: EntityDefinition = {
  name: 'routes',
  endpointKey: 'name',
  subschema_key: 'protocols',
  fields: [
    { id: ID },
    { created_at: SECONDS },
    { updated_at: SECONDS },
    { name: UTF8_NAME },
    {
      protocols: {
        type: 'set',
        len_min: 1,
        required: true,
        elements: PROTOCOL,
        mutually_exclusive_subsets: [
          ['http', 'https'],
          ['tcp', 'tls', 'udp'],
          ['tls_passthrough'],
          ['grpc', 'grpcs'],
        ],
        default: ['http', 'https'],
      },
    },
    {
      https_redirect_status_code: {
        type: 'integer',
        one_of: [426, 301, 302, 307, 308],
        default: 426,
        required: true,
      },
    },
    { strip_path: flag(true) },
    { preserve_host: flag(false) },
    { request_buffering: flag(true) },
    { response_buffering: flag(true) },
    { tags: TAGS },
    { service: { type: 'foreign', reference: 'services' } },
    { snis: { type: 'set', elements: WILDCARD_HOST } },
    { sources: ENDPOINTS },
    { destinations: ENDPOINTS },
    { methods: METHODS },
    { hosts: ROUTE_HOSTS },
    { paths: ROUTE_PATHS },
    { headers: ROUTE_HEADERS },
    { regex_priority: { type: 'integer', default: 0 } },
    { path_handling: { type: 'string', default: 'v0', one_of: ['v0', 'v1'] } },
  ],
  entity_checks: [
    {
      conditional: {
        if_field: 'protocols',
        if_match: {
          elements: { type: 'string', not_one_of: ['grpcs', 'https', 'tls', 'tls_passthrough'] },
        },
        then_field: 'snis',
        then_match: { len_eq: 0 },
        then_err: "'snis' can only be set when 'protocols' is 'grpcs', 'https', 'tls' or 'tls_passthrough'",
      },
    },
    {
      custom_entity_check: {
        field_sources: [
          'protocols',
          'snis',
          'sources',
          'destinations',
          'methods',
          'hosts',
          'paths',
          'headers',
        ],
        run_with_missing_fields: true,
        fn: routeExpressionError,
      },
    },
  ],
}

const subschema = (fields: FieldList, ...checks: ConditionalAtLeastOneOf[]): RecordSchema =>
  recordSchema({ fields, entity_checks: checks.map((check) => ({ conditional_at_least_one_of: check })) })

/** A field that these protocols may not have. */
const no = (name: string, field: Field, protocols: string): { [name: string]: Field } => ({
  [name]: { ...field, eq: null, err: `cannot set '${name}' when 'protocols' is ${protocols}` },
})

const HTTP = subschema(
  [no('sources', ENDPOINTS, "'http' or 'https'"), no('destinations', ENDPOINTS, "'http' or 'https'")],
  {
    if_field: 'protocols',
    if_match: { contains: 'https' },
    then_at_least_one_of: ['methods', 'hosts', 'headers', 'paths', 'snis'],
    then_err: "must set one of %s when 'protocols' is 'https'",
    else_match: { contains: 'http' },
    else_then_at_least_one_of: ['methods', 'hosts', 'headers', 'paths'],
    else_then_err: "must set one of %s when 'protocols' is 'http'",
  },
)

const STREAM_PROTOCOLS = "'tcp', 'tls', 'tls_passthrough' or 'udp'"

const STREAM = subschema(
  [
    no('methods', METHODS, STREAM_PROTOCOLS),
    no('hosts', ROUTE_HOSTS, STREAM_PROTOCOLS),
    no('paths', ROUTE_PATHS, STREAM_PROTOCOLS),
    no('headers', ROUTE_HEADERS, STREAM_PROTOCOLS),
  ],
  {
    if_field: 'protocols',
    if_match: { elements: { type: 'string', one_of: ['tcp', 'tls', 'udp'] } },
    then_at_least_one_of: ['sources', 'destinations', 'snis'],
    then_err: "must set one of %s when 'protocols' is 'tcp', 'tls' or 'udp'",
  },
  {
    if_field: 'protocols',
    if_match: { elements: { type: 'string', one_of: ['tls_passthrough'] } },
    then_at_least_one_of: ['snis'],
    then_err: "must set snis when 'protocols' is 'tls_passthrough'",
  },
)

const GRPC = subschema(
  [
    {
      strip_path: {
        ...flag(false),
        ne: true,
        err: "cannot set 'strip_path' when 'protocols' is 'grpc' or 'grpcs'",
      },
    },
    no('methods', METHODS, "'grpc' or 'grpcs'"),
    no('sources', ENDPOINTS, "'grpc' or 'grpcs'"),
    no('destinations', ENDPOINTS, "'grpc' or 'grpcs'"),
  ],
  {
    if_field: 'protocols',
    if_match: { contains: 'grpcs' },
    then_at_least_one_of: ['hosts', 'headers', 'paths', 'snis'],
    then_err: "must set one of %s when 'protocols' is 'grpcs'",
    else_match: { contains: 'grpc' },
    else_then_at_least_one_of: ['hosts', 'headers', 'paths'],
    else_then_err: "must set one of %s when 'protocols' is 'grpc'",
  },
)

/** By protocol. */
export const ROUTE_SUBSCHEMAS: ReadonlyMap<string, RecordSchema> = new Map([
  ['http', HTTP],
  ['https', HTTP],
  ['tcp', STREAM],
  ['tls', STREAM],
  ['udp', STREAM],
  ['tls_passthrough', STREAM],
  ['grpc', GRPC],
  ['grpcs', GRPC],
])
