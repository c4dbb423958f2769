import assert from 'node:assert/strict'
import fc from 'fast-check'
import { autoValues } from '../../../kong/gateway/admin/database.ts'
import { fillFields } from '../../../kong/gateway/schema/fill.ts'
import { BUNDLED } from '../../../kong/gateway/schema/plugins/bundled.ts'
import { makeSchemas } from '../../../kong/gateway/schema/schemas.ts'
import { validateRecord } from '../../../kong/gateway/schema/validate.ts'
import type { Entity, KongState } from '../../../operator/core/entity.ts'
import { bodyFor } from '../../../operator/core/kong-json.ts'

const schemas = makeSchemas(BUNDLED.map(([definition]) => definition))

/** What Kong would say to it; undefined for nothing. */
function refusal(entity: Entity): unknown {
  const schema = schemas[COLLECTIONS[entity.kind as keyof typeof COLLECTIONS]]
  // Its path says whose target it is.
  const upstream = entity.kind === 'target' ? { upstream: { id: entity.parent } } : {}
  const body = { ...bodyFor(entity), ...upstream }
  const filled = fillFields(schema, body as never, { context: 'insert', auto: autoValues(1_000) })
  const schemaNamed = (name: string) => schemas[name as keyof typeof schemas]
  const checks = { updating: false, nowSeconds: 1, full: true, schemaNamed }
  return filled.errors ?? validateRecord(schema, filled.value, checks)
}

/** As entities are listed. Consumers and certificates have nothing of entries and settings. */
const COLLECTIONS = {
  upstream: 'upstreams',
  target: 'targets',
  service: 'services',
  route: 'routes',
  plugin: 'plugins',
} as const

const SCRAPS = [
  '/',
  'a',
  'ä',
  ' ',
  '%20',
  '%zz',
  '%',
  '?',
  '#',
  '(',
  ')',
  '[',
  '.',
  '..',
  '*',
  '"',
  '\\',
  '~',
  ':',
  ',',
  '{',
  '$',
  '\n',
  '//',
  '日',
]
/** Texts of what paths, hosts and headers stumble over. */
export const odd = fc.array(fc.constantFrom(...SCRAPS), { maxLength: 5 }).map((parts) => parts.join(''))

/** Fails with what Kong's schemas say to the first entity that they refuse. */
export function assertKongTakes(state: KongState): void {
  for (const entity of state.values()) {
    const refused = refusal(entity)
    const said = JSON.stringify([...((refused as Map<string, unknown>) ?? [])])
    assert.equal(refused, undefined, `${entity.kind} ${entity.name}: ${said}`)
  }
}
