// Not pure: the randomness that the rest of this folder takes as an argument.
import { randomFillSync } from 'node:crypto'
import type { RandomSource } from './outgoing.ts'

/** One call to the system's randomness serves about 170 new traces. */
const POOL_BYTES = 4_096
const ZERO = '0000000000000000'

/** Ids and dice from cryptographic randomness, fetched in batches. */
export function createRandomSource(): RandomSource {
  const pool = Buffer.allocUnsafeSlow(POOL_BYTES)
  let at = POOL_BYTES
  /** Where `bytes` fresh bytes begin. */
  const take = (bytes: number): number => {
    if (at + bytes > POOL_BYTES) {
      randomFillSync(pool)
      at = 0
    }
    at += bytes
    return at - bytes
  }
  const spanId = (): string => {
    for (;;) {
      const from = take(8)
      const id = pool.toString('hex', from, from + 8)
      if (id !== ZERO) return id
    }
  }
  return {
    spanId,
    // Each half is drawn by itself, since formats of 64 bits send the second one alone.
    traceId: () => spanId() + spanId(),
    unit: () => pool.readUIntBE(take(6), 6) / 2 ** 48,
  }
}
