import { setTimeout as delay } from 'node:timers/promises'
import { canBeMarked, instanceKey, placeOf } from '../core/instance-key.ts'
import { normalTarget } from '../core/target-address.ts'
import { addressesOf, type HealthRow } from './health-row.ts'
import type { KongAdmin } from './kong-admin.ts'
import { KongError } from './kong-error.ts'

/** Right after an upstream was created Kong answers 400 "has no balancer" until it has built one. */
const BALANCER_DEADLINE_MS = 2000

/**
 * Marks a target healthy or unhealthy for all of Kong, or one address of a target that is a host name (`instanceKey`). Of an
 * address that the name does not have Kong takes the mark as well, without effect.
 * @returns false when Kong takes no mark: the target is gone, or the upstream has no passive checks.
 * @throws KongError
 */
export async function markTarget(
  admin: KongAdmin,
  upstreamId: string,
  instance: string,
  health: 'healthy' | 'unhealthy',
  signal?: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + BALANCER_DEADLINE_MS
  const { target, address } = placeOf(instance)
  const path = ['upstreams', upstreamId, 'targets', target, ...(address === null ? [] : [address]), health]
  for (let pauseMs = 10; ; pauseMs *= 2) {
    try {
      await admin.call('PUT', path)
      return true
    } catch (error) {
      if (!(error instanceof KongError) || error.isConnection || error.status >= 500) throw error
      if (!error.message.includes('has no balancer') || performance.now() > deadline) return false
    }
    await delay(pauseMs, undefined, signal === undefined ? {} : { signal }).catch(() => {})
    if (signal?.aborted) return false
  }
}

/**
 * Health of the targets of an upstream, by `host:port`, as the node that answers sees it; '' while it has not built
 * the balancer. Beside a host name its addresses, unless it has IPv6 ones, by `instanceKey`: the name is healthy as long as one of them is. null:
 * Kong has no such upstream.
 * @throws KongError
 */
export async function readTargetHealth(
  admin: KongAdmin,
  upstreamId: string,
): Promise<ReadonlyMap<string, string> | null> {
  try {
    const rows = (await admin.list(['upstreams', upstreamId, 'health'])) as unknown as readonly HealthRow[]
    return new Map(rows.flatMap(healthOf))
  } catch (error) {
    if (error instanceof KongError && error.code === 'KONG_NOT_FOUND') return null
    throw error
  }
}

function healthOf(row: HealthRow): [string, string][] {
  const target = normalTarget(row.target)
  const own: [string, string] = [target, row.health ?? '']
  const each = addressesOf(row) ?? []
  if (!canBeMarked(each.map(({ address }) => address))) return [own]
  return [own, ...each.map(({ address, health }): [string, string] => [instanceKey(target, address), health])]
}
