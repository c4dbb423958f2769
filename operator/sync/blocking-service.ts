import type { Change } from '../core/diff.ts'
import { type Entity, type KongState, keyOf } from '../core/entity.ts'
import { upstreamName } from '../core/names.ts'
import { type KongMirror, matchesOf } from './kong-mirror.ts'

interface Surroundings {
  readonly mirror: KongMirror
  readonly desired: KongState
  readonly isPending: (service: string) => boolean
  readonly isWaitingForUs: (service: string) => boolean
}

/**
 * A service that takes over a host or path of another one waits until that one's route is gone or changed: two
 * routes for the same requests would leave it to Kong's tie-break who serves them. One that leads to an upstream of
 * another waits for that upstream, and an upstream goes after the last that leads to it.
 * @returns the other service, or null when nobody has to be waited for.
 */
export function blockingService(
  service: string,
  changes: readonly Change[],
  { mirror, desired, isPending, isWaitingForUs }: Surroundings,
): string | null {
  const isAwaited = (other: string) => other !== service && isPending(other) && !isWaitingForUs(other)
  for (const { action, entity } of changes) {
    if (action !== 'delete' && entity.kind === 'service') {
      const owner = missingUpstreamOwner(entity, mirror, desired)
      if (owner !== null && isAwaited(owner)) return owner
    }
    if (action === 'delete' && entity.kind === 'upstream') {
      const user = userOf(entity, mirror, desired)
      if (user !== null && isAwaited(user)) return user
    }
    if (action === 'delete' || entity.kind !== 'route') continue
    for (const match of matchesOf(entity)) {
      for (const key of mirror.routesFor(match)) {
        const route = mirror.get(key)
        if (route === undefined || route.owner === '' || route.owner === service) continue
        const wish = desired.get(keyOf(route))
        if (wish !== undefined && matchesOf(wish).includes(match)) continue
        if (isPending(route.owner) && !isWaitingForUs(route.owner)) return route.owner
      }
    }
  }
  return null
}

/** Whose upstream a Kong service leads to that is not in Kong yet, with a target; null: it is there, or nobody's. */
function missingUpstreamOwner(
  { owner, fields }: Entity,
  mirror: Surroundings['mirror'],
  desired: KongState,
): string | null {
  const upstream = upstreamNamed(String(fields.host), owner, desired)
  return upstream === null || mirror.get(keyOf(upstream)) !== undefined ? null : upstream.owner
}

/** Who still leads to an upstream of somebody else's; null: nobody. */
function userOf(upstream: Entity, mirror: Surroundings['mirror'], desired: KongState): string | null {
  // A service's own goes with its last instance: nobody can be served there any more.
  if (upstream.name === upstreamName(upstream.owner)) return null
  for (const entity of mirror.values()) {
    if (entity.kind !== 'service' || entity.owner === '' || entity.owner === upstream.owner) continue
    if (entity.fields.host !== upstream.name) continue
    const wish = desired.get(keyOf(entity))
    if (wish?.fields.host !== upstream.name) return entity.owner
  }
  return null
}

/** Only of another service: a service's own is written with it. */
function upstreamNamed(name: string, owner: string, desired: KongState): Entity | null {
  if (name === upstreamName(owner)) return null
  for (const entity of desired.values()) {
    if (entity.kind === 'upstream' && entity.name === name) return entity.owner === owner ? null : entity
  }
  return null
}
