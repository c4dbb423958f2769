/** A row of `GET /upstreams/{upstream}/health`. Plain data in and out. */

import { isNamed } from '../core/instance-key.ts'
import { normalTarget } from '../core/target-address.ts'

/** As Kong 3.9 answers it, as far as it is used. */
export interface HealthRow {
  readonly target: string
  readonly health?: string
  /** Left out until Kong has built the balancer; an empty list comes as an empty object. */
  readonly data?: { readonly addresses?: unknown }
}

export interface RowAddress {
  /** `ip:port` in Kong's form. */
  readonly address: string
  /** '' where Kong does not say. */
  readonly health: string
}

/**
 * What the host name of a row resolves to, none where it does not; null of a target that is an address itself, and
 * until Kong has built the balancer.
 */
export function addressesOf({ target, data }: HealthRow): readonly RowAddress[] | null {
  if (data === undefined || !isNamed(normalTarget(target))) return null
  if (!Array.isArray(data.addresses)) return []
  return (data.addresses as readonly { ip: string; port: number; health?: string }[]).map(
    ({ ip, port, health = '' }) => ({ address: normalTarget(`${ip}:${port}`), health }),
  )
}
