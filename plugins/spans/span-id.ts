/** Added once per try, modulo 2^64: odd, so that no two tries of a request share an id. (The golden ratio's digits.) */
const STEP_HIGH = 0x9e3779b9
const STEP_LOW = 0x7f4a7c15

/**
 * Id of the span of the n-th try (from 0) of the request whose SERVER span has the id `serverSpanId` (16 hex digits).
 * Derived, not drawn: whoever makes spans of the same outcome makes the same ones.
 */
export function trySpanId(serverSpanId: string, index: number): string {
  let high = Number.parseInt(serverSpanId.slice(0, 8), 16)
  let low = Number.parseInt(serverSpanId.slice(8, 16), 16)
  for (let i = 0; i <= index; i++) {
    const sum = low + STEP_LOW
    low = sum >>> 0
    high = (high + STEP_HIGH + (sum > 0xffff_ffff ? 1 : 0)) >>> 0
  }
  // Zero is no id. The odd step reaches it for one server id per index, and half the range away is free again.
  if (high === 0 && low === 0) high = 0x8000_0000
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0')
}
