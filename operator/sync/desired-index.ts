import { isDeepStrictEqual } from 'node:util'
import { type Entity, type KongState, keyOf } from '../core/entity.ts'
import { isOwnedBy } from '../core/tags.ts'

/** The desired state, and its entities by the service they belong to. */
export interface DesiredIndex {
  readonly state: KongState
  readonly groups: ReadonlyMap<string, readonly Entity[]>
}

export const NOTHING_DESIRED: DesiredIndex = { state: new Map(), groups: new Map() }

/** What the mesh has in Kong, in the form of a desired state. */
export function indexOwned(actual: KongState, mesh: string): DesiredIndex {
  return indexDesired(new Map([...actual].filter(([, { tags }]) => isOwnedBy(mesh, tags))), NOTHING_DESIRED)
}

/** Groups by service; only what differs from the index before is grouped anew, the rest keeps its identity. */
export function indexDesired(state: KongState, before: DesiredIndex): DesiredIndex {
  if (state === before.state) return before
  const touched = touchedOwners(state, before.state)
  const groups = new Map(before.groups)
  for (const owner of touched) groups.delete(owner)
  const fresh = new Map<string, Entity[]>()
  for (const entity of state.values()) {
    if (!touched.has(entity.owner)) continue
    const group = fresh.get(entity.owner)
    if (group === undefined) fresh.set(entity.owner, [entity])
    else group.push(entity)
  }
  for (const [owner, group] of fresh) {
    const known = before.groups.get(owner)
    groups.set(owner, known !== undefined && sameGroup(known, group) ? known : group)
  }
  return { state, groups }
}

function touchedOwners(state: KongState, before: KongState): ReadonlySet<string> {
  const touched = new Set<string>()
  let kept = 0
  for (const [key, entity] of state) {
    const known = before.get(key)
    if (known !== undefined) kept += 1
    if (known !== entity) touched.add(entity.owner)
  }
  if (kept < before.size) {
    for (const [key, entity] of before) if (!state.has(key)) touched.add(entity.owner)
  }
  return touched
}

/** Services whose group differs between two states. */
export function changedServices(before: DesiredIndex, after: DesiredIndex): readonly string[] {
  if (before === after) return []
  const { groups } = after
  const changed = [...groups.keys()].filter((service) => before.groups.get(service) !== groups.get(service))
  const gone = [...before.groups.keys()].filter((service) => !groups.has(service))
  return [...changed, ...gone]
}

/** Everything one service wants, as a state. */
export const wantedState = (group: readonly Entity[]): KongState =>
  new Map(group.map((entity) => [keyOf(entity), entity]))

function sameGroup(before: readonly Entity[], after: readonly Entity[]): boolean {
  if (before.length !== after.length) return false
  return before.every((entity, at) => entity === after[at] || isDeepStrictEqual(entity, after[at]))
}
