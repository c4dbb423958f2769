import { type Entity, type KongState, keyOf } from '../core/entity.ts'
import { entityFromKong } from '../core/kong-json.ts'
import { pinField, pinnableFields, releaseOverrides } from '../core/release-override.ts'
import { RequestError } from '../http/request-error.ts'
import { entityPath } from '../kong/collections.ts'
import { readEntity } from '../kong/execute.ts'
import type { KongAdmin } from '../kong/kong-admin.ts'
import type { Reconciler } from './reconciler.ts'

export interface ActionTarget {
  readonly admin: KongAdmin
  readonly reconciler: Pick<Reconciler, 'wanted' | 'refusal' | 'noteEntity'>
  readonly mesh: string
}

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
  const wanted = findWanted(target.reconciler.wanted, reference)
  const actual = await readActual(target, wanted)
  const { tags, fields } = releaseOverrides(actual, wanted, target.mesh, field)
  if (fields.length === 0) {
    const what = field === null ? 'nothing' : `not ${field}`
    throw new RequestError(404, `${what} is an override of ${wanted.kind} ${wanted.name}`)
  }
  await writeTags(target, wanted, tags, 'override released')
  return action(wanted, fields)
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
  const wanted = findWanted(target.reconciler.wanted, reference)
  const known = pinnableFields(wanted)
  if (!known.includes(field)) {
    const message = `${field} is not managed on ${wanted.kind} ${wanted.name}; these are: ${known.join(', ')}`
    throw new RequestError(422, message, [{ field: 'field', message }])
  }
  const actual = await readActual(target, wanted)
  await writeTags(target, wanted, pinField(actual, wanted, target.mesh, field, Date.now()), 'field pinned')
  return action(wanted, [field])
}

/** @throws RequestError */
export function findWanted(state: KongState, reference: string): Entity {
  const found: Entity[] = []
  for (const entity of state.values()) {
    const { kind, id, name } = entity
    if (id === reference || keyOf(entity) === reference) return entity
    if (name !== '' && (name === reference || `${kind}/${name}` === reference)) found.push(entity)
  }
  if (found.length === 1) return found[0]!
  if (found.length === 0) throw new RequestError(404, `kongsul manages no entity ${reference}`)
  const each = found.map(({ kind, id, owner }) => `${kind}/${id} (of ${owner})`)
  throw new RequestError(409, `${reference} may be any of ${each.slice(0, 10).join(', ')}: give one of these`)
}

async function readActual({ admin, reconciler }: ActionTarget, wanted: Entity): Promise<Entity> {
  const { refusal } = reconciler
  if (refusal !== null) throw new RequestError(503, `this operator writes nothing now: ${refusal}`)
  const actual = await readEntity(admin, wanted)
  if (actual === null) throw new RequestError(404, `Kong does not have ${wanted.kind} ${wanted.name}`)
  return actual
}

async function writeTags(
  { admin, reconciler }: ActionTarget,
  wanted: Entity,
  tags: readonly string[],
  reason: string,
): Promise<void> {
  const row = await admin.call('PATCH', entityPath(wanted), { tags })
  if (row !== null) reconciler.noteEntity(entityFromKong(wanted.kind, row), wanted.owner, reason)
}

const action = ({ id, kind, name, owner }: Entity, fields: readonly string[]): OverrideAction => ({
  entity: id,
  kind,
  name,
  service: owner,
  fields,
})
