import type { Address } from './address.ts'
import type { Algorithm } from './algorithm.ts'
import { xxhash32 } from './xxhash32.ts'

export interface HashingOptions {
  readonly addresses: readonly Address[]
  /** Number of targets, those without weight included: Kong shares 160 points per target out by weight. */
  readonly targetCount: number
  readonly slots: number
}

/**
 * A ring with Kong's own points and hash, so that a value reaches the same target as on a real Kong. A retry asks
 * the same point again and so gets the same target, unless a health check has taken it out in between.
 */
export function consistentHashing({ addresses, targetCount, slots }: HashingOptions): Algorithm {
  const points = slots >= MIN_POINTS ? slots : MIN_POINTS
  // Position in `sorted` plus one; 0 is a free point. Small numbers, because there may be thousands of rings.
  const ring = new Uint16Array(points)
  const total = addresses.reduce((sum, address) => sum + address.weight, 0)
  const sorted = [...addresses].sort(byHostThenPort)
  sorted.forEach((address, index) => {
    place(ring, index + 1, address, (address.weight / total) * targetCount)
  })

  return {
    pick(selection) {
      selection.hashPoint ??= xxhash32(selection.hashValue) % points
      const start = selection.hashPoint
      for (let step = 0; step < points; step++) {
        const address = sorted[ring[(start - step + points) % points]! - 1]
        if (address?.available) return address
      }
      return null
    },
    refresh: () => {},
    finish: () => {},
  }
}

const MIN_POINTS = 1000
const POINTS_PER_TARGET = 160

function place(ring: Uint16Array, mark: number, address: Address, share: number): void {
  let wanted = Math.floor(share * POINTS_PER_TARGET)
  if (address.weight > 0 && wanted === 0) wanted = 1
  for (let i = 1; i <= wanted && i <= ring.length; i++) {
    const point = xxhash32(`${address.ip}::${address.port} ${i}`) % ring.length
    if (ring[point] === 0) ring[point] = mark
    else wanted++
  }
}

function byHostThenPort(a: Address, b: Address): number {
  if (a.hostname !== b.hostname) return a.hostname < b.hostname ? -1 : 1
  if (a.port !== b.port) return a.port - b.port
  return a.ip < b.ip ? -1 : 1
}
