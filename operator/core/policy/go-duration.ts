/** Durations as Consul writes them into JSON: Go's text (`1m30s`, `500ms`), or nanoseconds as a number. */

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}

/** @returns whole milliseconds, at least 1 for what is more than nothing; null for what is no duration */
export function durationMs(value: string | number): number | null {
  const ms = typeof value === 'number' ? value / 1e6 : textMs(value)
  if (ms === null || !Number.isFinite(ms) || ms < 0) return null
  return ms === 0 ? 0 : Math.max(1, Math.round(ms))
}

/** https://pkg.go.dev/time#ParseDuration; empty counts as none. */
function textMs(text: string): number | null {
  if (text === '' || text === '0') return 0
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return null
  let sum = 0
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    sum += Number(number) * UNIT_MS[unit!]!
  }
  return sum
}
