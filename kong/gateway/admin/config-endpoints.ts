/** /config of a node without database: everything there is, replaced at once or not at all. */

import { createHash } from 'node:crypto'
import { declarativeError, flattenedError } from '../schema/declarative/declarative-errors.ts'
import { DECLARATIVE_ORDER, makeDeclarativeSchema } from '../schema/declarative/declarative-schema.ts'
import { type Entities, flatten } from '../schema/declarative/flatten.ts'
import type { FieldErrors } from '../schema/field-errors.ts'
import { ENTITIES } from '../schema/schemas.ts'
import { isTable, type ObjectValue, own, type Value } from '../schema/table.ts'
import { readCertificate } from '../schema/typedefs/keys.ts'
import type { Collection, Row } from '../store.ts'
import { type Answer, created, message, ok, Refusal } from './answer.ts'
import { parseDeclarative, writeDeclarative } from './config-text.ts'
import { autoValues, type Database, toRow } from './database.ts'
import { nestArguments } from './form-arguments.ts'
import type { AdminRequest } from './request.ts'
import type { Endpoint } from './routing.ts'

/** Of a node that has no configuration yet, or an empty one. */
export const NO_CONFIG_HASH = '0'.repeat(32)

/** To be added after those of `nodeEndpoints`, which they replace. */
export function configEndpoints(db: Database): Endpoint[] {
  const schema = makeDeclarativeSchema(db.schemas)
  const load = (request: AdminRequest): Answer => {
    const { flatten_errors: flattenErrors, check_hash: checkHash, ...query } = parametersOf(request)
    const { input, hash } = configIn(query, request)
    if (String(checkHash) === '1' && hash === db.store.configurationHash) return { status: 304 }
    const nowMs = db.now()
    const flattened = flatten(schema, input, { nowMs, auto: autoValues(nowMs) })
    if (flattened.errors) {
      return isTruthy(flattenErrors)
        ? errorAnswer(flattenedError(flattened.errors, flattened.input))
        : errorAnswer(declarativeError(flattened.errors))
    }
    const { entities } = flattened
    db.store.replaceAll(rowsOf(db, entities, own(input, '_transform') !== false))
    db.store.configurationHash =
      entities.size === 0 ? NO_CONFIG_HASH : (hash ?? digest(JSON.stringify(input)))
    return created(Object.fromEntries([...entities].map(([name, rows]) => [name, Object.fromEntries(rows)])))
  }
  return [
    { path: '/config', takesYaml: true, methods: { GET: () => ok({ config: exported(db) }), POST: load } },
  ]
}

const digest = (text: string): string => createHash('md5').update(text).digest('hex')

const errorAnswer = ({ status, body }: { status: number; body: ObjectValue }): Answer => ({
  status,
  json: body,
})

/** Arguments of the URL and of the body are one. */
function parametersOf(request: AdminRequest): ObjectValue {
  const { json, form } = request.body
  return { ...request.query, ...(json ?? (form ? nestArguments(form) : {})) }
}

/** A configuration in the parameters, as a text in one of them, or as the body. Only texts have a hash. */
function configIn(
  parameters: ObjectValue,
  request: AdminRequest,
): { readonly input: ObjectValue; readonly hash?: string } {
  if (own(parameters, '_format_version')) return { input: parameters }
  const config = own(parameters, 'config')
  const text = config === undefined || config === null ? (request.body.text ?? '') : String(config)
  if (text === '' && config !== '') throw new Refusal(message(400, 'expected a declarative configuration'))
  const parsed = parseDeclarative(text)
  if (parsed.error === undefined) return { input: parsed.value, hash: digest(text) }
  const errors: FieldErrors = new Map([
    ['error', `failed parsing declarative configuration: ${parsed.error}`],
  ])
  throw new Refusal(errorAnswer(declarativeError(errors)))
}

const isTruthy = (value: Value | undefined): boolean =>
  value === true || value === 1 || (typeof value === 'string' && /^(?:true|1|on|yes)$/i.test(value))

function rowsOf(db: Database, entities: Entities, isTransforming: boolean): Map<Collection, Row[]> {
  return new Map(
    [...entities].map(([collection, rows]) => [
      collection,
      [...rows.values()].map((row) => {
        const { ttl, ...stored } = toRow(db, collection, isTransforming ? transformed(collection, row) : row)
        return ttl ? { ...stored, ttl } : stored
      }),
    ]),
  )
}

/** The answer shows what was sent; what is derived from it is only stored. */
function transformed(collection: Collection, row: ObjectValue): ObjectValue {
  if (collection !== 'ca_certificates') return row
  const certificate = readCertificate(String(row['cert']))
  return certificate
    ? { ...row, cert_digest: createHash('sha256').update(certificate.raw).digest('hex') }
    : row
}

/** All rows as one configuration, references as ids. */
function exported(db: Database): string {
  const config: ObjectValue = { _format_version: '3.0', _transform: false }
  for (const collection of DECLARATIVE_ORDER) {
    const rows = [...db.store.all(collection)].map((row) => exportedRow(collection, row))
    if (rows.length > 0) config[collection] = rows
  }
  return writeDeclarative(config)
}

function exportedRow(collection: Collection, row: Row): ObjectValue {
  const flat = { ...row } as unknown as ObjectValue
  for (const item of ENTITIES[collection].fields) {
    for (const [name, field] of Object.entries(item)) {
      const value = flat[name] ?? null
      if (field.type === 'foreign' && isTable(value)) flat[name] = own(value, 'id') ?? null
    }
  }
  return flat
}
