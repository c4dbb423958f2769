/**
 * What the Admin API may ask of the balancers: how each target of an upstream is doing, and manual marks.
 * The data plane implements it; the Admin API only sees this interface, so neither needs the other's files.
 */

export type HealthState = 'HEALTHY' | 'UNHEALTHY' | 'HEALTHCHECKS_OFF' | 'DNS_ERROR'

/** Answer to a manual mark; the Admin API turns it into Kong's status and message. */
export type MarkResult = 'ok' | 'no balancer' | 'no healthchecker' | 'not found'

export interface TargetHealth {
  readonly health: HealthState
  /** Kong's `data` object of one row of GET /upstreams/{upstream}/health. */
  readonly data: unknown
}

export interface BalancerHealth {
  /** By target row id; undefined while no balancer is built for the upstream (then rows have no `health` field). */
  health(upstreamId: string): ReadonlyMap<string, TargetHealth> | undefined
  /** The summary of `?balancer_health=1`, in Kong's shape; undefined while no balancer is built. */
  balancerHealth(upstreamId: string): unknown | undefined
  /** Marks a target (`host:port`), or one of its addresses (`ip:port`), healthy or unhealthy at once. */
  mark(upstreamId: string, target: string, address: string | null, healthy: boolean): MarkResult
}
