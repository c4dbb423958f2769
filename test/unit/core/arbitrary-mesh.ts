// Random meshes: few names and addresses, so that services meet, move and collide.
import fc from 'fast-check'
import type { CheckStatus, Instance } from '../../../operator/core/catalog.ts'
import type { Entity, Json, KongState } from '../../../operator/core/entity.ts'
import { check, foreignRoute } from './build-mesh.ts'

export type Services = Record<string, readonly Instance[]>
export type Documents = Record<string, unknown>

const serviceName = fc.constantFrom(
  'web',
  'Web',
  'api',
  'a.b',
  'a_b',
  'ü',
  'kongsul-operator',
  'consul',
  'x'.repeat(200),
)

const status = fc.constantFrom<CheckStatus>('passing', 'passing', 'warning', 'critical')

const checks = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .array(status, { maxLength: 3 })
      .map((all) => all.map((each, index) => check(each, { id: `c${index}` }))),
  },
  { weight: 1, arbitrary: fc.constant([check('critical', { id: '_node_maintenance' })]) },
)

const address = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', '::1', 'Host.test', 'not a host', '')

const meta = fc.dictionary(
  fc.constantFrom(
    'mesh-retries',
    'mesh-hosts',
    'mesh-paths',
    'mesh-weight',
    'mesh-expose',
    'mesh-protocol',
    'mesh-oops',
  ),
  fc.constantFrom('1', '2', 'a.test', '/shop/', 'true', 'false', 'grpc', 'tcp', '*'),
  { maxKeys: 3 },
)

const instance = fc.record({
  node: fc.constantFrom('n1', 'n2'),
  address,
  port: fc.constantFrom(80, 80, 81, 0),
  tags: fc.constantFrom([], ['kongsul.enable=true'], ['kongsul.enable=false']),
  meta,
  weights: fc.record({ passing: fc.integer({ min: 1, max: 9 }), warning: fc.integer({ min: 0, max: 9 }) }),
  kind: fc.constantFrom('', '', '', '', 'connect-proxy'),
  checks,
})

const instances = fc
  .array(instance, { minLength: 1, maxLength: 4 })
  .map((all): Instance[] => all.map((each, index) => ({ ...each, id: `i${index}` })))

export const services: fc.Arbitrary<Services> = fc.dictionary(serviceName, instances, { maxKeys: 5 })

const document = fc.record(
  {
    loadBalancing: fc.record({
      strategy: fc.constantFrom('round_robin', 'weighted', 'least_connections', 'ip_hash', 'random'),
    }),
    timeouts: fc.record({ readMs: fc.integer({ min: 1, max: 5 }) }),
    retries: fc.integer({ min: 0, max: 3 }),
    degraded: fc.constantFrom('fallback', 'weighted'),
    expose: fc.boolean(),
    enabled: fc.boolean(),
    health: fc.record({ whenAllCritical: fc.constantFrom('keep', 'fail') }),
    routing: fc.record(
      {
        hosts: fc.subarray(['a.test', 'b.test', 'web.mesh']),
        paths: fc.subarray(['/shop/', '/web/', '/a/']),
        takeover: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
)

export const documents: fc.Arbitrary<Documents> = fc
  .dictionary(serviceName, document, { maxKeys: 3 })
  .map((all) =>
    Object.fromEntries(Object.entries(all).map(([name, each]) => [`mesh/services/${name}`, each])),
  )

export const foreigners: fc.Arbitrary<readonly Entity[]> = fc
  .uniqueArray(
    fc.constantFrom<[string, Record<string, Json>]>(
      ['root', { paths: ['/'] }],
      ['shop', { paths: ['/shop'] }],
      ['mesh', { hosts: ['*.mesh'] }],
      ['web', { hosts: ['web.mesh'], paths: ['/x'] }],
      ['regex', { paths: ['~/web/\\d+'] }],
      ['mesh.web.host', { hosts: ['theirs.test'] }],
    ),
    { selector: ([name]) => name, maxLength: 3 },
  )
  .map((all) => all.map(([name, fields]) => foreignRoute(name, fields)))

export interface Edit {
  readonly at: number
  readonly field: number
  readonly value: Json
}

export const edits: fc.Arbitrary<readonly Edit[]> = fc.array(
  fc.record({
    at: fc.nat(),
    field: fc.nat(),
    value: fc.constantFrom<Json>(7, 0, 'theirs', null, ['theirs'], false),
  }),
  { maxLength: 4 },
)

/** Each edit on one managed field of one entity of ours. Returns the state and what was set, by `key field`. */
export function editAtRandom(
  state: KongState,
  all: readonly Edit[],
): { edited: KongState; set: ReadonlyMap<string, Json> } {
  const edited = new Map(state)
  const set = new Map<string, Json>()
  const keys = [...state.keys()].filter((key) => state.get(key)!.owner !== '').sort()
  for (const { at, field, value } of keys.length === 0 ? [] : all) {
    const key = keys[at % keys.length]!
    const entity = edited.get(key)!
    const fields = Object.keys(entity.fields).sort()
    const name = fields[field % fields.length]!
    edited.set(key, { ...entity, fields: { ...entity.fields, [name]: value } })
    set.set(`${key} ${name}`, value)
  }
  return { edited, set }
}
