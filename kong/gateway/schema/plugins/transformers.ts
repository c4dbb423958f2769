/** request-transformer and response-transformer. */

import type { Field, FieldList } from '../field.ts'
import { luaMatch } from '../lua-pattern.ts'
import type { Value } from '../table.ts'
import { HTTP_METHOD, headerPair } from '../typedefs/names.ts'
import { HTTP_PROTOCOL_SET, PROTOCOL_SET } from '../typedefs/network.ts'
import { config, type PluginDefinition } from './plugin-definition.ts'

const list = (elements: Partial<Field> = {}): Field => ({
  type: 'array',
  default: [],
  required: true,
  elements: { type: 'string', ...elements },
})

const record = (fields: FieldList): Field => ({ type: 'record', fields })

const PAIR = '^[^:]+:.*$'

/** Entries `name:value`, where the value may not be empty. */
function valueError(entry: Value): string | undefined {
  const [name = '', value = ''] = luaMatch(String(entry), '^([^:]+):*(.-)$') ?? []
  return value === '' ? `key '${name}' has no value` : undefined
}

const STRINGS = list()
const VALUES = list({ custom_validator: valueError })
const HEADERS = list({ custom_validator: headerPair(false) })
const HEADER_VALUES = list({ match: PAIR, custom_validator: headerPair(false) })
const HEADER_NAMES = list({ match: PAIR, custom_validator: headerPair(true) })

const REQUEST_CHANGES: FieldList = [{ body: VALUES }, { headers: HEADER_VALUES }, { querystring: VALUES }]

export const REQUEST_TRANSFORMER: PluginDefinition = {
  name: 'request-transformer',
  fields: [
    { protocols: PROTOCOL_SET },
    config([
      { http_method: HTTP_METHOD },
      { remove: record([{ body: STRINGS }, { headers: HEADERS }, { querystring: STRINGS }]) },
      { rename: record([{ body: VALUES }, { headers: HEADER_NAMES }, { querystring: VALUES }]) },
      { replace: record([...REQUEST_CHANGES, { uri: { type: 'string' } }]) },
      { add: record(REQUEST_CHANGES) },
      { append: record(REQUEST_CHANGES) },
    ]),
  ],
}

const PAIRS = list({ match: PAIR })

const RESPONSE_CHANGES = record([
  { json: PAIRS },
  { json_types: list({ one_of: ['boolean', 'number', 'string'] }) },
  { headers: PAIRS },
])

export const RESPONSE_TRANSFORMER: PluginDefinition = {
  name: 'response-transformer',
  fields: [
    { protocols: HTTP_PROTOCOL_SET },
    config([
      { remove: record([{ json: STRINGS }, { headers: STRINGS }]) },
      { rename: record([{ json: PAIRS }, { headers: HEADER_NAMES }]) },
      { replace: RESPONSE_CHANGES },
      { add: RESPONSE_CHANGES },
      { append: RESPONSE_CHANGES },
    ]),
  ],
}
