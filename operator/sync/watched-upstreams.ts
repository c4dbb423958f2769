import type { Change } from '../core/diff.ts'
import { type Entity, keyOf } from '../core/entity.ts'
import { patchedMap } from '../core/patched-map.ts'
import { HEALTH_OVERRIDE, overriddenOf } from '../core/tags.ts'
import type { WatchedUpstream } from '../kong/passive-healer.ts'
import type { ToldOutcome } from '../metrics/told-outcome.ts'
import type { DesiredIndex } from './desired-index.ts'

export type Watched = ReadonlyMap<string, WatchedUpstream>

/**
 * Upstreams with passive checks whose marks Kong does not take back itself, and with something to route to; each with
 * the targets that Consul wants traffic on.
 */
export function watchedUpstreams({ groups }: Pick<DesiredIndex, 'groups'>): Watched {
  const all = [...groups].flatMap(([service, group]) => watchedOf(service, group))
  return new Map(all.map((upstream) => [upstream.id, upstream]))
}

/** The same after these services changed: `watchedUpstreams(after)` without looking at all the others. */
export function watchedAfter(
  watched: Watched,
  before: DesiredIndex,
  after: DesiredIndex,
  changed: readonly string[],
): Watched {
  const of = ({ groups }: DesiredIndex) =>
    changed.flatMap((service) => watchedOf(service, groups.get(service) ?? []))
  return patchedMap(
    watched,
    of(before).map(({ id }) => id),
    of(after).map((upstream) => [upstream.id, upstream] as const),
  )
}

function watchedOf(service: string, group: readonly Entity[]): readonly WatchedUpstream[] {
  const watched: WatchedUpstream[] = []
  for (const upstream of group) {
    if (upstream.kind !== 'upstream' || !marksByItself(upstream)) continue
    const wanted = group.filter((entity) => entity.parent === upstream.id && hasWeight(entity))
    const targets = new Map(wanted.map((entity) => [entity.name, keyOf(entity)]))
    if (targets.size > 0) watched.push({ id: upstream.id, name: upstream.name, service, targets })
  }
  return watched
}

/** Ids of the upstreams that an instance is in, `host:port`. */
export function upstreamsByInstance(watched: Watched): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const { id, targets } of watched.values()) {
    for (const target of targets.keys()) {
      const known = found.get(target)
      if (known === undefined) found.set(target, [id])
      else known.push(id)
    }
  }
  return found
}

/**
 * Instances that gave a request no answer, so that Kong may have marked them: the client got another status than such a
 * try has, or the try was followed by another, which an answer never is.
 */
export const unansweredBy = ({ status, tries }: Pick<ToldOutcome, 'status' | 'tries'>): readonly string[] =>
  tries.filter((each, i) => i < tries.length - 1 || each.status !== status).map(({ instance }) => instance)

/** The target of a change that brings it from no weight, or from nothing, to some; null for any other change. */
export function weightComesBack({ action, entity, before }: Change): Entity | null {
  if (action === 'delete' || !hasWeight(entity)) return null
  const had = before === null ? 0 : Number(before.fields.weight)
  return had > 0 ? null : entity
}

/** Active checks put a target back that answers them again, and marks of theirs are what somebody asked for. */
function marksByItself({ fields }: Entity): boolean {
  if (Number(fields['healthchecks.active.healthy.interval'] ?? 0) > 0) return false
  const limits = ['tcp_failures', 'http_failures', 'timeouts']
  return limits.some((limit) => Number(fields[`healthchecks.passive.unhealthy.${limit}`] ?? 0) > 0)
}

const hasWeight = ({ kind, fields }: Entity): boolean => kind === 'target' && Number(fields.weight) > 0

/** Does a person keep the target out? */
export const isClaimed = (actual: Entity | undefined): boolean =>
  actual !== undefined && overriddenOf(actual.tags).has(HEALTH_OVERRIDE)
