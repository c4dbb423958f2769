import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Field } from '../../../kong/gateway/schema/field.ts'
import { errorsToJson } from '../../../kong/gateway/schema/field-errors.ts'
import { schemaViolation } from '../../../kong/gateway/schema/kong-error.ts'
import type { Value } from '../../../kong/gateway/schema/table.ts'
import { fieldError } from '../../../kong/gateway/schema/validate.ts'

const CHECKS = { updating: false, nowSeconds: 0, schemaNamed: () => undefined }

/** Kong's message for the value of a field called `f`; '' for a good one. */
function messageFor(field: Field, value: Value): string {
  const error = fieldError(field, value, CHECKS)
  if (error === undefined) return ''
  const { message } = schemaViolation(new Map([['f', error]])).body
  return message.replace(/^schema violation \((.*)\)$/s, '$1')
}

const cases: readonly (readonly [what: string, field: Field, value: Value, message: string])[] = [
  ['a number is no string', { type: 'string' }, 5, 'f: expected a string'],
  ['an empty string is too short', { type: 'string' }, '', 'f: length must be at least 1'],
  ['len_min 0 lets the empty string pass', { type: 'string', len_min: 0 }, '', ''],
  ['lengths are bytes', { type: 'string', len_max: 2 }, 'üa', 'f: length must be at most 2'],
  ['null is fine unless the field is required', { type: 'integer' }, null, ''],
  [
    'null is not enough for a required field',
    { type: 'integer', required: true },
    null,
    'f: required field missing',
  ],
  ['a fraction is no integer', { type: 'integer' }, 1.5, 'f: expected an integer'],
  ['a text is no number', { type: 'number' }, '5', 'f: expected a number'],
  ['limits of between are allowed', { type: 'integer', between: [0, 5] }, 5, ''],
  [
    'what is outside of between is named',
    { type: 'integer', between: [0, 5] },
    6,
    'f: value should be between 0 and 5',
  ],
  ['gt refuses the limit itself', { type: 'number', gt: 1.5 }, 1.5, 'f: value must be greater than 1.5'],
  ['one_of names the choices', { type: 'string', one_of: ['a', 'b'] }, 'c', 'f: expected one of: a, b'],
  ['match takes Lua patterns', { type: 'string', match: '^%a+$' }, 'a1', 'f: invalid value: a1'],
  [
    'err replaces the message',
    { type: 'string', match: '^a', err: 'must begin with a' },
    'b',
    'f: must begin with a',
  ],
  [
    'a vault reference is not checked',
    { type: 'string', match: '^a', referenceable: true },
    '{vault://env/x}',
    '',
  ],
  [
    'an object is no array',
    { type: 'array', elements: { type: 'string' } },
    { a: 1 },
    'f: expected an array',
  ],
  ['the empty object is the empty array', { type: 'array', elements: { type: 'string' } }, {}, ''],
  [
    'the bad member of an array is named',
    { type: 'array', elements: { type: 'string' } },
    ['a', 5],
    'f.2: expected a string',
  ],
  ['null is no member', { type: 'set', elements: { type: 'string' } }, [null], 'f.1: required field missing'],
  [
    'several bad members are several violations',
    { type: 'array', elements: { type: 'integer' } },
    ['a', 1, 'b'],
    '2 schema violations (f.1: expected an integer; f.3: expected an integer)',
  ],
  [
    'a map names only what is wrong',
    { type: 'map', keys: { type: 'string' }, values: { type: 'integer', gt: 0 } },
    { a: 0 },
    'f: value must be greater than 0',
  ],
  [
    'deeper errors are written as a Lua table',
    { type: 'record', fields: [{ inner: { type: 'record', fields: [{ n: { type: 'integer' } }] } }] },
    { inner: { n: 'x', other: 1 } },
    'f.inner: {\n  n = "expected an integer",\n  other = "unknown field"\n}',
  ],
  [
    'positions in deeper errors keep their number',
    { type: 'record', fields: [{ list: { type: 'array', elements: { type: 'integer' } } }] },
    { list: [1, 'x'] },
    'f.list: {\n  [2] = "expected an integer"\n}',
  ],
  ['a foreign key needs an id', { type: 'foreign', reference: 'services' }, {}, 'f.id: missing primary key'],
  [
    'the id of a foreign key is a UUID',
    { type: 'foreign', reference: 'services' },
    { id: 'x' },
    'f.id: expected a valid UUID',
  ],
  [
    'rules over fields of a record speak of the record',
    {
      type: 'record',
      fields: [{ a: { type: 'string' } }, { b: { type: 'string' } }],
      entity_checks: [{ mutually_required: ['a', 'b'] }],
    },
    { a: 'x' },
    "f.@entity: {\n  \"all or none of these fields must be set: 'a', 'b'\"\n}",
  ],
]

for (const [what, field, value, message] of cases) {
  test(what, () => equal(messageFor(field, value), message))
}

test('errors of a list are a list with gaps in JSON, all others an object', () => {
  const list = fieldError({ type: 'array', elements: { type: 'integer' } }, [1, 'x'], CHECKS)
  equal(JSON.stringify(errorsToJson(list ?? '')), '[null,"expected an integer"]')
  const object = fieldError({ type: 'foreign', reference: 'services' }, 'x', CHECKS)
  equal(JSON.stringify(errorsToJson(object ?? '')), '{"id":"missing primary key"}')
})
