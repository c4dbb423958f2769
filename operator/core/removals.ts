/** What of ours may go: whatever a person has hung onto one of our entities keeps it, since Kong would take it along. */

import type { Entity, KongState } from './entity.ts'
import type { Problem } from './problem.ts'
import { isOwnedBy } from './tags.ts'

export interface Removals {
  readonly entities: readonly Entity[]
  readonly conflicts: readonly Problem[]
}

/** @param unwanted entities of this mesh that are no longer desired */
export function planRemovals(unwanted: readonly Entity[], actual: KongState, mesh: string): Removals {
  if (unwanted.length === 0) return { entities: [], conflicts: [] }
  const users = usersOf(actual, mesh)
  const kept = new Map<string, Entity>()
  const conflicts: Problem[] = []
  for (const entity of [...unwanted].sort(childrenFirst)) {
    const [user] = users.get(entity.id) ?? []
    if (user !== undefined) {
      kept.set(entity.id, entity)
      conflicts.push(inUse(entity, user))
    } else if (isHeldByKept(entity, kept)) {
      kept.set(entity.id, entity)
    }
  }
  return { entities: unwanted.filter(({ id }) => !kept.has(id)), conflicts }
}

/** Entities that are not ours, by the id of what they refer to. */
function usersOf(actual: KongState, mesh: string): ReadonlyMap<string, readonly Entity[]> {
  const users = new Map<string, Entity[]>()
  for (const entity of actual.values()) {
    if (isOwnedBy(mesh, entity.tags)) continue
    for (const id of new Set([entity.parent, routeOf(entity)])) {
      if (id !== '') users.set(id, [...(users.get(id) ?? []), entity])
    }
  }
  return users
}

function routeOf(entity: Entity): string {
  const route = entity.fields.route
  if (typeof route !== 'object' || route === null || !('id' in route)) return ''
  return typeof route.id === 'string' ? route.id : ''
}

/** A route that stays keeps its service, and a service its upstream. */
function isHeldByKept(entity: Entity, kept: ReadonlyMap<string, Entity>): boolean {
  for (const child of kept.values()) {
    if (child.parent === entity.id) return true
    if (child.kind === 'service' && entity.kind === 'upstream' && child.fields.host === entity.name)
      return true
  }
  return false
}

const RANK: Readonly<Record<Entity['kind'], number>> = {
  plugin: 0,
  target: 0,
  jwt_secret: 0,
  keyauth_credential: 0,
  acl: 0,
  route: 1,
  service: 2,
  consumer: 2,
  upstream: 3,
  sni: 3,
  certificate: 4,
  ca_certificate: 4,
}

const childrenFirst = (left: Entity, right: Entity): number => RANK[left.kind] - RANK[right.kind]

const inUse = (entity: Entity, user: Entity): Problem => ({
  code: 'ENTITY_IN_USE',
  severity: 'warning',
  service: entity.owner,
  message: `${entity.kind} ${entity.name} is no longer wanted but stays, since ${user.kind} ${user.name || user.id} (not managed by kongsul) uses it; remove that one first`,
})
