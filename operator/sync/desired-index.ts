import { isDeepStrictEqual } from 'node:util'
import { type Entity, type KongState, keyOf } from '../core/entity.ts'

/** The desired state by service. */
export type DesiredIndex = ReadonlyMap<string, readonly Entity[]>

/** Groups the desired entities by the service they belong to; a group that did not change keeps its identity. */
export function indexDesired(state: KongState, before: DesiredIndex): DesiredIndex {
  const groups = new Map<string, Entity[]>()
  for (const entity of state.values()) {
    const group = groups.get(entity.owner)
    if (group === undefined) groups.set(entity.owner, [entity])
    else group.push(entity)
  }
  const index = new Map<string, readonly Entity[]>()
  for (const [service, group] of groups) {
    const known = before.get(service)
    index.set(service, known !== undefined && sameGroup(known, group) ? known : group)
  }
  return index
}

/** Services whose group differs between two states. */
export function changedServices(before: DesiredIndex, after: DesiredIndex): readonly string[] {
  const changed = [...after.keys()].filter((service) => before.get(service) !== after.get(service))
  const gone = [...before.keys()].filter((service) => !after.has(service))
  return [...changed, ...gone]
}

/** Everything one service wants, as a state. */
export const wantedState = (group: readonly Entity[]): KongState =>
  new Map(group.map((entity) => [keyOf(entity), entity]))

function sameGroup(before: readonly Entity[], after: readonly Entity[]): boolean {
  if (before.length !== after.length) return false
  return before.every((entity, at) => entity === after[at] || isDeepStrictEqual(entity, after[at]))
}
