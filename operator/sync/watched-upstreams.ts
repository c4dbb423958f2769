import type { Change } from '../core/diff.ts'
import type { Entity } from '../core/entity.ts'
import { HEALTH_OVERRIDE, overriddenOf } from '../core/tags.ts'
import type { WatchedUpstream } from '../kong/passive-healer.ts'
import type { DesiredIndex } from './desired-index.ts'
import type { KongMirror } from './kong-mirror.ts'

interface Sources {
  readonly recoverMsOf: (service: string) => number
  readonly mirror: KongMirror
}

/** Upstreams with passive checks and something to route to, with the targets that Consul wants traffic on. */
export function watchedUpstreams(
  index: DesiredIndex,
  before: ReadonlyMap<string, WatchedUpstream>,
  { recoverMsOf, mirror }: Sources,
): ReadonlyMap<string, WatchedUpstream> {
  const watched = new Map<string, WatchedUpstream>()
  for (const [service, group] of index) {
    for (const upstream of group) {
      if (upstream.kind !== 'upstream' || !marksByItself(upstream)) continue
      const wanted = new Map<string, { claimed: boolean }>()
      for (const entity of group) {
        if (entity.kind !== 'target' || entity.parent !== upstream.id || !(Number(entity.fields.weight) > 0))
          continue
        wanted.set(entity.name, { claimed: isClaimed(mirror.get(`target/${entity.id}`)) })
      }
      if (wanted.size === 0) continue
      const recoverMs = recoverMsOf(service)
      watched.set(upstream.id, keep(before.get(upstream.id), { id: upstream.id, service, recoverMs, wanted }))
    }
  }
  return watched
}

/** The target of a change that brings it from no weight, or from nothing, to some; null for any other change. */
export function weightComesBack({ action, entity, before }: Change): Entity | null {
  if (entity.kind !== 'target' || action === 'delete' || !(Number(entity.fields.weight) > 0)) return null
  const had = before === null ? 0 : Number(before.fields.weight)
  return had > 0 ? null : entity
}

function marksByItself({ fields }: Entity): boolean {
  const limits = ['tcp_failures', 'http_failures', 'timeouts']
  return limits.some((limit) => Number(fields[`healthchecks.passive.unhealthy.${limit}`] ?? 0) > 0)
}

const isClaimed = (actual: Entity | undefined): boolean =>
  actual !== undefined && overriddenOf(actual.tags).has(HEALTH_OVERRIDE)

function keep(before: WatchedUpstream | undefined, after: WatchedUpstream): WatchedUpstream {
  if (before === undefined || before.recoverMs !== after.recoverMs) return after
  if (before.wanted.size !== after.wanted.size) return after
  for (const [target, { claimed }] of after.wanted) {
    if (before.wanted.get(target)?.claimed !== claimed) return after
  }
  return before
}
