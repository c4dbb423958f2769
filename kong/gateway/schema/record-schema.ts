/** A record's definition made ready for use: fields by name, nested schemas of single entities (subschemas). */

import type { EntityCheck, Field, FieldList, Shorthand } from './field.ts'
import { own, type Table, type Value } from './table.ts'

export interface RecordSchema {
  readonly names: readonly string[]
  readonly fields: ReadonlyMap<string, Field>
  readonly entityChecks: readonly EntityCheck[]
  readonly shorthands: readonly (readonly [name: string, shorthand: Shorthand])[]
  /** The field whose value picks the subschema; of a set, its first member that has one. */
  readonly subschemaKey?: string
  /** `%s` stands for the value without a subschema. */
  readonly subschemaError?: string
  readonly subschemas?: ReadonlyMap<string, RecordSchema>
  readonly hasTtl?: boolean
}

export interface RecordDefinition {
  readonly fields: FieldList
  readonly entity_checks?: readonly EntityCheck[]
  readonly shorthand_fields?: Field['shorthand_fields']
  readonly subschema_key?: string
  readonly subschema_error?: string
  readonly subschemas?: ReadonlyMap<string, RecordSchema>
  readonly ttl?: boolean
}

export function recordSchema(definition: RecordDefinition): RecordSchema {
  const fields = new Map<string, Field>()
  for (const item of definition.fields)
    for (const [name, field] of Object.entries(item)) fields.set(name, field)
  return {
    names: [...fields.keys()],
    fields,
    entityChecks: definition.entity_checks ?? [],
    shorthands: (definition.shorthand_fields ?? []).flatMap((item) => Object.entries(item)),
    ...(definition.subschema_key === undefined ? {} : { subschemaKey: definition.subschema_key }),
    ...(definition.subschema_error === undefined ? {} : { subschemaError: definition.subschema_error }),
    ...(definition.subschemas === undefined ? {} : { subschemas: definition.subschemas }),
    ...(definition.ttl ? { hasTtl: true } : {}),
  }
}

/**
 * Entities answer with their whole structure, so a record that does not say otherwise is required, at any depth
 * of records within records.
 */
export function withRequiredRecords(fields: FieldList): FieldList {
  return fields.map((item) =>
    Object.fromEntries(
      Object.entries(item).map(([name, field]) => {
        if (field.type !== 'record' || field.abstract) return [name, field]
        return [
          name,
          { ...field, required: field.required ?? true, fields: withRequiredRecords(field.fields ?? []) },
        ]
      }),
    ),
  )
}

const schemas = new WeakMap<Field, RecordSchema>()

/** The same schema with other fields; of fields with the same name the last counts. */
export function withFields(schema: RecordSchema, fields: FieldList): RecordSchema {
  const byName = recordSchema({ fields })
  return { ...schema, names: byName.names, fields: byName.fields }
}

/** The schema of a field of type record. */
export function schemaOfRecord(field: Field): RecordSchema {
  if (field.entity) return field.entity
  let schema = schemas.get(field)
  if (!schema) {
    schema = recordSchema({
      fields: field.fields ?? [],
      ...(field.entity_checks ? { entity_checks: field.entity_checks } : {}),
      ...(field.shorthand_fields ? { shorthand_fields: field.shorthand_fields } : {}),
    })
    schemas.set(field, schema)
  }
  return schema
}

export function subschemaOf(schema: RecordSchema, input: Table): RecordSchema | undefined {
  if (!schema.subschemas || schema.subschemaKey === undefined) return undefined
  const key = own(input, schema.subschemaKey)
  if (typeof key === 'string') return schema.subschemas.get(key)
  if (!Array.isArray(key)) return undefined
  for (const member of key) {
    const subschema = typeof member === 'string' ? schema.subschemas.get(member) : undefined
    if (subschema) return subschema
  }
  return undefined
}

/** The definition of a field; the subschema's where it has one. */
export function fieldOf(
  schema: RecordSchema,
  subschema: RecordSchema | undefined,
  name: string,
): Field | undefined {
  const field = schema.fields.get(name)
  return field && (subschema?.fields.get(name) ?? field)
}

/** The definition at a dotted path. */
export function fieldAt(
  schema: RecordSchema,
  subschema: RecordSchema | undefined,
  path: string,
): Field | undefined {
  const [first, ...rest] = path.split('.')
  let field = subschema?.fields.get(first as string) ?? schema.fields.get(first as string)
  for (const name of rest)
    field = field?.type === 'record' ? schemaOfRecord(field).fields.get(name) : undefined
  return field
}

/** `{vault://...}`: a value kept elsewhere, which Kong does not check. */
export const isReference = (value: Value | undefined): boolean =>
  typeof value === 'string' && value.startsWith('{vault://') && value.endsWith('}')
