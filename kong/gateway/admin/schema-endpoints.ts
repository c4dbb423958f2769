/** /schemas and lists of plugins: what may be configured. */

import type { Field } from '../schema/field.ts'
import { fillFields } from '../schema/fill.ts'
import { schemaViolation } from '../schema/kong-error.ts'
import type { RecordSchema } from '../schema/record-schema.ts'
import { COLLECTIONS } from '../schema/schemas.ts'
import type { ObjectValue } from '../schema/table.ts'
import { validateRecord } from '../schema/validate.ts'
import type { Collection } from '../store.ts'
import { type Answer, message, ok, refuse } from './answer.ts'
import { checksOf, type Database } from './database.ts'
import { plainArguments } from './form-arguments.ts'
import { type AdminRequest, param } from './request.ts'
import type { Endpoint } from './routing.ts'

export function schemaEndpoints(db: Database): Endpoint[] {
  const plugins = db.schemas.plugins.subschemas ?? new Map<string, RecordSchema>()
  const schemaNamed = (name: string): RecordSchema | undefined =>
    COLLECTIONS.includes(name as Collection) ? db.schemas[name as Collection] : undefined
  const plugin = (request: AdminRequest, show: (schema: RecordSchema) => object): Answer => {
    const name = param(request, 'name')
    const schema = plugins.get(name)
    return schema ? ok(show(schema)) : message(404, `No plugin named '${name}'`)
  }
  const validate = (name: string, request: AdminRequest): Answer => {
    const schema = schemaNamed(name)
    if (!schema) return message(404, `No entity named '${name}'`)
    const { json, form } = request.body
    const input = { ...request.query, ...(json ?? plainArguments(form ?? {})) } as ObjectValue
    const filled = fillFields(schema, input, { context: 'insert', auto: (_, field) => placeholder(field) })
    const checks = { ...checksOf(db, false), full: true }
    const errors = filled.errors ?? validateRecord(schema, filled.value, checks)
    return errors ? refuse(schemaViolation(errors)) : ok({ message: 'schema validation successful' })
  }
  return [
    {
      path: '/schemas/{name}',
      methods: {
        GET: (request) => {
          const name = param(request, 'name')
          const schema = schemaNamed(name)
          return schema ? ok(shown(schema)) : message(404, `No entity named '${name}'`)
        },
      },
    },
    {
      path: '/schemas/{name}/validate',
      methods: { POST: (request) => validate(param(request, 'name'), request) },
    },
    { path: '/schemas/plugins/validate', methods: { POST: (request) => validate('plugins', request) } },
    { path: '/schemas/plugins/{name}', methods: { GET: (request) => plugin(request, shown) } },
    {
      path: '/plugins/schema/{name}',
      methods: {
        GET: (request) =>
          plugin(request, (schema) => ({ fields: schema.fields.get('config')?.fields ?? [] })),
      },
    },
    { path: '/plugins/enabled', methods: { GET: () => ok({ enabled_plugins: [...plugins.keys()] }) } },
  ]
}

/** Good values for what Kong would fill in. */
const placeholder = (field: Field) =>
  field.uuid ? '00000000-0000-4000-8000-000000000000' : field.type === 'string' ? 'generated' : 1

const shown = (schema: RecordSchema): object => ({
  entity_checks: schema.entityChecks,
  fields: schema.names.map((name) => ({ [name]: schema.fields.get(name) })),
})
