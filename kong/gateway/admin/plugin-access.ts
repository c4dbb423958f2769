/** A plugin must share a protocol with its route, or with one of the routes of its service. */

import { fieldViolation } from '../schema/kong-error.ts'
import { isTable, type ObjectValue, own, type Value } from '../schema/table.ts'
import { primaryKeyError } from '../schema/validate.ts'
import type { Row } from '../store.ts'
import { notFound, Refusal, refuse } from './answer.ts'
import type { Database } from './database.ts'
import type { EntityAccess } from './entity-access.ts'

export const accessToPlugins = (db: Database, access: EntityAccess): EntityAccess => ({
  ...access,
  insert: (input) => {
    checkProtocols(db, input)
    return access.insert(input)
  },
  upsert: (key, input) => {
    if (key.id !== undefined) checkProtocols(db, input)
    return access.upsert(key, input)
  },
  update: (key, input) => {
    const before = access.select(key)
    // Without a name nothing of the input could be checked, so it is taken from the row.
    if (own(input, 'name') === undefined && !before) throw new Refusal(notFound())
    const named = { name: (before?.['name'] ?? null) as Value, ...input }
    const isScoped = ['protocols', 'service', 'route'].some((name) => own(input, name))
    if (key.id !== undefined && isScoped) checkProtocols(db, withScope(input, before))
    return access.update(key, named)
  },
})

function withScope(input: ObjectValue, before: Row | undefined): ObjectValue {
  if (!before) return input
  const kept = (name: string): Value => own(input, name) || ((before[name] ?? null) as Value)
  return { protocols: kept('protocols'), service: kept('service'), route: kept('route') }
}

function checkProtocols(db: Database, input: ObjectValue): void {
  const protocols = own(input, 'protocols')
  if (!isTable(protocols)) return
  const shares = (route: Row): boolean =>
    Array.isArray(protocols) && protocols.some((name) => (route['protocols'] as Value[]).includes(name))
  const [route, service] = [own(input, 'route'), own(input, 'service')]
  if (isTable(route)) {
    const row = db.store.get('routes', idOf(route) ?? '')
    if (row && !shares(row))
      refuse(fieldViolation('protocols', "must match the associated route's protocols"))
  } else if (isTable(service)) {
    const id = idOf(service)
    const routes = id === undefined ? [] : [...db.store.children('routes', 'service', id)]
    if (id !== undefined && (routes.length === 0 || routes.some(shares))) return
    const text = "must match the protocols of at least one route pointing to this Plugin's service"
    refuse(fieldViolation('protocols', text))
  }
}

/** The id of a foreign key; one given by name has none, and then Kong finds no routes. */
function idOf(key: Value): string | undefined {
  const id = own(key, 'id')
  return primaryKeyError(id) === undefined ? String(id).toLowerCase() : undefined
}
