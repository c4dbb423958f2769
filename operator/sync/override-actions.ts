import { type Entity, type KongState, keyOf } from '../core/entity.ts'
import { entityFromKong } from '../core/kong-json.ts'
import { pinField, pinnableFields, releaseOverrides } from '../core/release-override.ts'
import { HEALTH_OVERRIDE } from '../core/tags.ts'
import { RequestError } from '../http/request-error.ts'
import { entityPath } from '../kong/collections.ts'
import { readEntity } from '../kong/execute.ts'
import type { Reconciler } from './reconciler.ts'

export interface ActionTarget {
  /** Each Kong on its own; the first decides what is wanted. */
  readonly reconcilers: () => readonly ActionReconciler[]
  readonly mesh: string
}

type ActionReconciler = Pick<
  Reconciler,
  'wanted' | 'refusal' | 'noteEntity' | 'kong' | 'connection' | 'whileLocked'
>

/** What was done to which entity. */
export interface OverrideAction {
  readonly entity: string
  readonly kind: string
  readonly name: string
  readonly service: string
  readonly fields: readonly string[]
}

/**
 * Gives fields that a person edited in Kong back to Consul; the service is applied right after.
 * @param reference id, name, or `kind/name`
 * @param field null for all
 * @throws RequestError 404 when there is no such entity or override, 409 when the name is not enough
 * @throws KongError
 */
export async function releaseEntity(
  target: ActionTarget,
  reference: string,
  field: string | null,
): Promise<OverrideAction> {
  const wanted = findWanted(target.reconcilers()[0]!.wanted, reference)
  const released = new Set<string>()
  const others = new Set<string>()
  for (const reconciler of writable(target)) {
    const given = await alone(reconciler, wanted, async () => {
      const actual = await readActual(reconciler, wanted)
      const { tags, fields } = releaseOverrides(actual, wanted, target.mesh, field)
      if (fields.length > 0) {
        await writeTags(target, reconciler, { wanted, actual, tags }, 'override released')
      } else {
        for (const each of releaseOverrides(actual, wanted, target.mesh, null).fields) others.add(each)
      }
      return fields
    })
    for (const each of given) released.add(each)
  }
  if (released.size === 0) {
    throw new RequestError(404, noOverride(wanted, field, [...others].sort()))
  }
  return action(wanted, [...released].sort())
}

/**
 * Makes a field a person's before they edit it.
 * @throws RequestError 404, 409; 422 when the field is not one of ours
 * @throws KongError
 */
export async function pinEntity(
  target: ActionTarget,
  reference: string,
  field: string,
): Promise<OverrideAction> {
  const wanted = findWanted(target.reconcilers()[0]!.wanted, reference)
  const known = pinnableFields(wanted)
  if (!known.includes(field)) {
    const message = `${field} is not managed on ${wanted.kind} ${wanted.name}; these are: ${known.join(', ')}`
    throw new RequestError(422, message, [{ field: 'field', message }])
  }
  const reconcilers = writable(target)
  if (field !== HEALTH_OVERRIDE && reconcilers.some(({ kong }) => kong.isDbless)) {
    throw new RequestError(409, noOverrides(wanted))
  }
  for (const reconciler of reconcilers) {
    await alone(reconciler, wanted, async () => {
      const actual = await readActual(reconciler, wanted)
      const tags = pinField(actual, wanted, target.mesh, field, Date.now())
      await writeTags(target, reconciler, { wanted, actual, tags }, 'field pinned')
    })
  }
  return action(wanted, [field])
}

function noOverride({ kind, name }: Entity, field: string | null, others: readonly string[]): string {
  if (others.length === 0) return `no field of ${kind} ${name} is edited or pinned by hand`
  return `${field} of ${kind} ${name} is not edited or pinned by hand; these are: ${others.join(', ')}`
}

/** In words: a Kong without database is given all fields anew each time. */
const noOverrides = ({ owner }: Entity): string =>
  `Kong runs without a database, where no field can be kept by hand but the health of a target: say it in KV mesh/services/${owner}, or pause the service`

const MOST_NAMES = 10

/** @throws RequestError */
export function findWanted(state: KongState, reference: string): Entity {
  const found: Entity[] = []
  for (const entity of state.values()) {
    const { kind, id, name } = entity
    if (id === reference || keyOf(entity) === reference) return entity
    if (name !== '' && (name === reference || `${kind}/${name}` === reference)) found.push(entity)
  }
  if (found.length === 1) return found[0]!
  if (found.length === 0) throw new RequestError(404, noEntity(state, reference))
  const each = found.map(({ kind, id, owner }) => `${kind}/${id} (of ${owner})`)
  throw new RequestError(
    409,
    `${reference} may be any of ${each.slice(0, MOST_NAMES).join(', ')}: give one of these`,
  )
}

function noEntity(state: KongState, reference: string): string {
  const own = [...state.values()].filter(({ owner }) => owner === reference)
  if (own.length === 0) {
    return `kongsul manages no entity ${reference}; give an id, or a name like service/mesh.<service>`
  }
  const names = own.slice(0, MOST_NAMES).map(({ kind, id, name }) => `${kind}/${name || id}`)
  return `${reference} is a service: name one of its entities, ${names.join(', ')}`
}

/** Every Kong that can be written to; one that is away is given what it has missed without this. */
function writable({ reconcilers }: ActionTarget): readonly ActionReconciler[] {
  const all = reconcilers()
  const up = all.filter(({ connection }) => connection.isUp)
  return up.length === 0 ? all.slice(0, 1) : up
}

/** Tags are written as a whole: the loop's, read before and written after, would undo this. */
const alone = <T>(reconciler: ActionReconciler, { owner }: Entity, work: () => Promise<T>): Promise<T> =>
  reconciler.refusal === null ? reconciler.whileLocked(owner, work) : work()

async function readActual({ kong, refusal }: ActionReconciler, wanted: Entity): Promise<Entity> {
  if (refusal !== null) throw new RequestError(503, `this operator writes nothing now: ${refusal}`)
  const actual = await readEntity(kong.admin, wanted)
  if (actual === null) throw new RequestError(404, `Kong does not have ${wanted.kind} ${wanted.name}`)
  return actual
}

async function writeTags(
  { mesh }: ActionTarget,
  reconciler: ActionReconciler,
  {
    wanted,
    actual,
    tags,
  }: { readonly wanted: Entity; readonly actual: Entity; readonly tags: readonly string[] },
  reason: string,
): Promise<void> {
  const { kong } = reconciler
  if (kong.isDbless) {
    const entity = { ...actual, tags }
    const change = {
      action: 'update',
      entity,
      before: actual,
      fields: ['tags'],
      service: wanted.owner,
    } as const
    await kong.execute(change, wanted, { mesh, policy: 'revert' })
    reconciler.noteEntity(entity, wanted.owner, reason)
    return
  }
  const row = await kong.admin.call('PATCH', entityPath(wanted), { tags })
  if (row !== null) reconciler.noteEntity(entityFromKong(wanted.kind, row), wanted.owner, reason)
}

const action = ({ id, kind, name, owner }: Entity, fields: readonly string[]): OverrideAction => ({
  entity: id,
  kind,
  name,
  service: owner,
  fields,
})
