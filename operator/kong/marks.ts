import { setTimeout as delay } from 'node:timers/promises'
import { normalTarget } from '../core/target-address.ts'
import type { KongAdmin } from './kong-admin.ts'
import { KongError } from './kong-error.ts'

/** Right after an upstream was created Kong answers 400 "has no balancer" until it has built one. */
const BALANCER_DEADLINE_MS = 2000

/**
 * Marks a target healthy or unhealthy for all of Kong.
 * @returns false when Kong takes no mark: the target is gone, or the upstream has no passive checks.
 * @throws KongError
 */
export async function markTarget(
  admin: KongAdmin,
  upstreamId: string,
  target: string,
  health: 'healthy' | 'unhealthy',
  signal?: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + BALANCER_DEADLINE_MS
  for (let pauseMs = 10; ; pauseMs *= 2) {
    try {
      await admin.call('PUT', ['upstreams', upstreamId, 'targets', target, health])
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
 * the balancer. null: Kong has no such upstream.
 * @throws KongError
 */
export async function readTargetHealth(
  admin: KongAdmin,
  upstreamId: string,
): Promise<ReadonlyMap<string, string> | null> {
  try {
    const rows = await admin.list(['upstreams', upstreamId, 'health'])
    return new Map(rows.map((row) => [normalTarget(String(row.target)), String(row.health ?? '')]))
  } catch (error) {
    if (error instanceof KongError && error.code === 'KONG_NOT_FOUND') return null
    throw error
  }
}
