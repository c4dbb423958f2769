import type { Change } from '../core/diff.ts'
import { type KongState, keyOf } from '../core/entity.ts'
import { type KongMirror, matchesOf } from './kong-mirror.ts'

interface Surroundings {
  readonly mirror: KongMirror
  readonly desired: KongState
  readonly isPending: (service: string) => boolean
  readonly isWaitingForUs: (service: string) => boolean
}

/**
 * A service that takes over a host or path of another one waits until that one's route is gone or changed: two
 * routes for the same requests would leave it to Kong's tie-break who serves them.
 * @returns the other service, or null when nobody has to be waited for.
 */
export function blockingService(
  service: string,
  changes: readonly Change[],
  { mirror, desired, isPending, isWaitingForUs }: Surroundings,
): string | null {
  for (const { action, entity } of changes) {
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
