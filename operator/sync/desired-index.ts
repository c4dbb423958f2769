import { isDeepStrictEqual } from 'node:util'
import type { Desired } from '../core/desired.ts'
import { type Entity, type KongState, keyOf } from '../core/entity.ts'
import { isOwnedBy } from '../core/tags.ts'

type Groups = ReadonlyMap<string, readonly Entity[]>

/** The desired state, and its entities by the service they belong to. */
export interface DesiredIndex {
  readonly state: KongState
  /** A list keeps its identity as long as what is in it stays the same. */
  readonly groups: Groups
  /** As they were decided: the same content decided anew is another list. */
  readonly decided: Groups
}

/** Looks at one list per service, and into those that were decided anew. */
export function indexDesired(
  { state, groups: decided }: Pick<Desired, 'state' | 'groups'>,
  before: DesiredIndex,
): DesiredIndex {
  if (state === before.state) return before
  const groups = new Map(before.groups)
  for (const [service, group] of decided) {
    if (before.decided.get(service) === group) continue
    const known = groups.get(service)
    if (group.length === 0) groups.delete(service)
    else if (known === undefined || !sameGroup(known, group)) groups.set(service, group)
  }
  for (const service of before.groups.keys()) if (!decided.has(service)) groups.delete(service)
  return { state, groups, decided }
}

/** What the mesh has in Kong, in the form of a desired state. */
export function indexOwned(actual: Pick<KongState, 'values'>, mesh: string): DesiredIndex {
  return indexByOwner(wantedState([...actual.values()].filter(({ tags }) => isOwnedBy(mesh, tags))))
}

/** An index of entities that nobody decided. */
export function indexByOwner(state: KongState): DesiredIndex {
  const groups = new Map<string, Entity[]>()
  for (const entity of state.values()) {
    const group = groups.get(entity.owner)
    if (group === undefined) groups.set(entity.owner, [entity])
    else group.push(entity)
  }
  return { state, groups, decided: new Map() }
}

/** Services whose group differs between two states. */
export function changedServices(before: DesiredIndex, after: DesiredIndex): readonly string[] {
  if (before === after) return []
  const changed: string[] = []
  for (const [service, group] of after.groups) if (before.groups.get(service) !== group) changed.push(service)
  for (const service of before.groups.keys()) if (!after.groups.has(service)) changed.push(service)
  return changed
}

/** Entities, such as all that one service wants, as a state. */
export const wantedState = (group: readonly Entity[]): KongState =>
  new Map(group.map((entity) => [keyOf(entity), entity]))

function sameGroup(before: readonly Entity[], after: readonly Entity[]): boolean {
  if (before.length !== after.length) return false
  return before.every((entity, at) => entity === after[at] || isDeepStrictEqual(entity, after[at]))
}
