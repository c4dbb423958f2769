// Catalogs, settings and states for the tests of the deciding code, in as few words as a test needs.
import type { CatalogSnapshot, Check, CheckStatus, Instance } from '../../../operator/core/catalog.ts'
import { type Desired, desired, type MeshOptions } from '../../../operator/core/desired.ts'
import { applyChange, type Diff, diff } from '../../../operator/core/diff.ts'
import { type Entity, type Json, type KongState, keyOf } from '../../../operator/core/entity.ts'
import { entityFromKong } from '../../../operator/core/kong-json.ts'
import type { AcceptedSettings, ServiceSettings } from '../../../operator/core/settings.ts'
import { acceptSettings } from '../../../operator/core/settings.ts'

export const OPTIONS: MeshOptions = { mesh: 'default', hostSuffix: 'mesh', exposeDefault: 'all' }

export function check(status: CheckStatus, rest: Partial<Check> = {}): Check {
  return { id: `check-${status}`, name: status, status, serviceId: '', ...rest }
}

/** An instance of 10.0.0.<number>:80 on its own node; healthy unless it says more. */
export function instance(number: number, rest: Partial<Instance> = {}): Instance {
  return {
    node: `node-${number}`,
    id: `instance-${number}`,
    address: `10.0.0.${number}`,
    port: 80,
    tags: [],
    meta: {},
    weights: { passing: 1, warning: 1 },
    kind: '',
    checks: [],
    ...rest,
  }
}

export const withCheck = (number: number, status: CheckStatus, rest: Partial<Instance> = {}): Instance =>
  instance(number, { checks: [check(status)], ...rest })

export const inMaintenance = (number: number): Instance =>
  instance(number, { checks: [check('critical', { id: '_node_maintenance' })] })

export const catalog = (services: Record<string, readonly Instance[]>): CatalogSnapshot => ({
  services: new Map(Object.entries(services)),
})

/** Accepted settings of documents given as values; throws where one is refused. */
export function settingsOf(documents: Record<string, unknown> = {}): AcceptedSettings {
  const texts = Object.entries(documents).map(([key, value]): [string, string] => [
    key,
    JSON.stringify(value),
  ])
  const { accepted, problems } = acceptSettings(null, new Map(texts))
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'))
  return accepted
}

export const effective = (document: unknown = {}, instances: readonly Instance[] = []): ServiceSettings =>
  settingsOf({ 'mesh/services/web': document }).forService('web', instances)

export interface Wish {
  readonly documents?: Record<string, unknown>
  readonly options?: Partial<MeshOptions>
  readonly actual?: KongState
}

export function desire(services: Record<string, readonly Instance[]>, wish: Wish = {}): Desired {
  return desired({
    snapshot: catalog(services),
    settings: settingsOf(wish.documents),
    options: { ...OPTIONS, ...wish.options },
    actual: wish.actual ?? new Map(),
  })
}

export const named = (state: KongState, kind: Entity['kind'], name: string): Entity | undefined =>
  [...state.values()].find((entity) => entity.kind === kind && entity.name === name)

/** Weights by target of a desired service. */
export const weightsOf = (state: KongState, service = 'web'): Record<string, Json> =>
  Object.fromEntries(
    [...state.values()]
      .filter(({ kind, owner }) => kind === 'target' && owner === service)
      .map(({ name, fields }) => [name, fields.weight!]),
  )

export const namesOf = (state: KongState, kind: Entity['kind']): string[] =>
  [...state.values()]
    .filter((entity) => entity.kind === kind)
    .map(({ name }) => name)
    .sort()

export const codesOf = (problems: readonly { readonly code: string }[]): string[] =>
  problems.map(({ code }) => code).sort()

/** A route that somebody made by hand, with a service of its own. */
export const foreignRoute = (name: string, fields: Record<string, Json>): Entity =>
  entityFromKong('route', {
    id: `id-of-${name}`,
    name,
    protocols: ['http', 'https'],
    hosts: null,
    paths: null,
    methods: null,
    headers: null,
    service: { id: 'id-of-their-service' },
    tags: null,
    ...fields,
  })

export const stateOf = (...entities: readonly Entity[]): KongState =>
  new Map(entities.map((entity) => [keyOf(entity), entity]))

export const KEEP = { mesh: 'default', policy: 'keep' } as const
export const REVERT = { mesh: 'default', policy: 'revert' } as const

export const applyAll = (state: KongState, { changes }: Pick<Diff, 'changes'>): KongState =>
  changes.reduce(applyChange, state)

/** What Kong holds after a first apply. */
export const applied = (wanted: KongState): KongState => applyAll(new Map(), diff(new Map(), wanted, KEEP))

/** Somebody edits an entity through the Admin API; fields not named stay. */
export function edit(
  state: KongState,
  entity: Entity,
  fields: Record<string, Json>,
  tags = entity.tags,
): KongState {
  const edited = { ...entity, fields: { ...entity.fields, ...fields }, tags }
  return new Map(state).set(keyOf(entity), edited)
}
