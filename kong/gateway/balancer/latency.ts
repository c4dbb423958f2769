import type { Address } from './address.ts'
import type { Algorithm } from './algorithm.ts'

interface Average {
  seconds: number
  touchedMs: number
}

/**
 * Peak-EWMA: the address with the lowest decayed average response time per weight. Times have a resolution of 1 ms,
 * as nginx gives them to Kong, so among fast addresses the first may get everything.
 */
export function latency(addresses: readonly Address[], nowMs: number): Algorithm {
  const averages = new Map<Address, Average>()

  function refresh(now: number): void {
    const usable = addresses.filter((address) => address.available && address.weight > 0)
    for (const address of averages.keys()) if (!usable.includes(address)) averages.delete(address)
    const known = [...averages.values()].reduce((sum, average) => sum + average.seconds, 0)
    const start = usable.length === 0 ? 0 : known / usable.length
    for (const address of usable) {
      if (!averages.has(address)) averages.set(address, { seconds: start, touchedMs: now })
    }
  }

  refresh(nowMs)
  return {
    pick(selection, now) {
      if (selection.address) selection.failed.add(selection.address)
      if (averages.size === 1) return averages.keys().next().value ?? null
      let best: Address | null = null
      let bestScore = Number.POSITIVE_INFINITY
      for (const [address, average] of averages) {
        if (selection.failed.has(address)) continue
        const score = decayed(average, 0, now) / address.weight
        if (best && score >= bestScore) continue
        best = address
        bestScore = score
      }
      return best
    },
    refresh,
    finish(selection, { elapsedMs, nowMs: now }) {
      const average = selection.address && averages.get(selection.address)
      if (!average) return
      average.seconds = decayed(average, Math.floor(elapsedMs) / 1000, now)
      average.touchedMs = now
    },
  }
}

const DECAY_SECONDS = 10

function decayed(average: Average, seconds: number, nowMs: number): number {
  const age = Math.max(nowMs - average.touchedMs, 0) / 1000
  const kept = Math.exp(-age / DECAY_SECONDS)
  return average.seconds * kept + seconds * (1 - kept)
}
