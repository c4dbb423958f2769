/**
 * The schema of a declarative configuration: lists of entities, and below each entity the lists of those that refer to
 * it. There are two: Kong first judges with references as names (`byName`), and when that fails once more with
 * references as primary keys (`byKey`), because rules of an entity may look at what it refers to.
 * Source: kong/db/schema/others/declarative_config.lua of Kong 3.9.1.
 */

import type { Collection } from '../entities/entity-definition.ts'
import type { Field, FieldList } from '../field.ts'
import { type RecordSchema, recordSchema, withFields } from '../record-schema.ts'
import { REFERENCES, type Schemas } from '../schemas.ts'

export interface DeclarativeSchema {
  readonly entities: Schemas
  readonly byName: RecordSchema
  readonly byKey: RecordSchema
}

/** Parents first; the order Kong works in and exports in. */
export const DECLARATIVE_ORDER: readonly Collection[] = [
  'ca_certificates',
  'certificates',
  'consumers',
  'services',
  'routes',
  'plugins',
  'snis',
  'upstreams',
  'targets',
  'acls',
  'jwt_secrets',
  'keyauth_credentials',
]

export function makeDeclarativeSchema(entities: Schemas): DeclarativeSchema {
  return { entities, byName: configSchema(entities, true), byKey: configSchema(entities, false) }
}

const EXTRA: FieldList = [
  { _comment: { type: 'string' } },
  { _ignore: { type: 'array', elements: { type: 'any' } } },
]

function configSchema(entities: Schemas, isByName: boolean): RecordSchema {
  const nested = new Map<Collection, FieldList[number][]>()
  const lists: FieldList[number][] = []
  // Children first, so that what is nested below them is known already.
  for (const collection of [...DECLARATIVE_ORDER].reverse()) {
    const schema = entities[collection]
    const below = [...EXTRA, ...(nested.get(collection) ?? [])]
    const record = (change: (field: Field) => Field): Field => ({
      type: 'record',
      entity: withFields(schema, [...fieldsOf(schema, change), ...below]),
    })
    lists.unshift(listOf(collection, record(isByName ? asName : asIs)))
    for (const { collection: child, parent } of REFERENCES) {
      if (child !== collection) continue
      const list = listOf(child, record(isByName ? asNothing : asIs))
      nested.set(parent, [...(nested.get(parent) ?? []), list])
    }
  }
  return recordSchema({
    fields: [
      { _format_version: { type: 'string', required: true, one_of: ['1.1', '2.1', '3.0'] } },
      { _transform: { type: 'boolean', default: true } },
      ...EXTRA,
      ...lists,
    ],
  })
}

const listOf = (collection: Collection, elements: Field) => ({
  [collection]: { type: 'array', elements } as Field,
})

const fieldsOf = (schema: RecordSchema, change: (field: Field) => Field): FieldList =>
  [...schema.fields].map(([name, field]) => ({ [name]: field.type === 'foreign' ? change(field) : field }))

const asIs = (field: Field): Field => field

/** At the top a reference is the name or id of the other entity. */
function asName({ reference: _, on_delete: __, ...field }: Field): Field {
  return { ...field, type: 'string' }
}

/** Below its parent an entity refers to it by its place, and names nothing itself. */
const asNothing = (field: Field): Field => ({ ...field, eq: null, default: null, required: false })
