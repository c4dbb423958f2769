import type { Address } from './address.ts'
import type { Algorithm } from './algorithm.ts'

/**
 * Smooth weighted round-robin: over any run as long as the sum of the weights (divided by their greatest common
 * divisor) each address gets exactly its weight, interleaved. `offset` moves the start, so that rebuilding often
 * does not favour the first address.
 */
export function roundRobin(addresses: readonly Address[], offset: number): Algorithm {
  let turn: { address: Address; credit: number }[] = []
  let total = 0

  function next(): Address | null {
    let best: { address: Address; credit: number } | null = null
    for (const entry of turn) {
      entry.credit += entry.address.weight
      if (!best || entry.credit > best.credit) best = entry
    }
    if (!best) return null
    best.credit -= total
    return best.address
  }

  function refresh(): void {
    turn = addresses
      .filter((address) => address.available && address.weight > 0)
      .map((address) => ({ address, credit: 0 }))
    total = turn.reduce((sum, entry) => sum + entry.address.weight, 0)
    const skips = turn.length > 1 ? offset % Math.min(total, MAX_SKIPS) : 0
    for (let i = 0; i < skips; i++) next()
  }

  refresh()
  return { pick: next, refresh, finish: () => {} }
}

const MAX_SKIPS = 256
