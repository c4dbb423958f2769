/** Durations as Go writes them (`1m30s`, `500ms`); in Consul's JSON also nanoseconds as a number. */

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
  const ms = typeof value === 'number' ? value / 1e6 : isNone(value) ? 0 : goDurationMs(value)
  if (ms === null || !Number.isFinite(ms) || ms < 0) return null
  return ms === 0 ? 0 : Math.max(1, Math.round(ms))
}

/** Consul writes both for a duration that is not set. */
const isNone = (text: string): boolean => text === '' || text === '0'

/** `1.2ms`, `1h30m` in milliseconds; null for what is none. https://pkg.go.dev/time#ParseDuration, without signs */
export function goDurationMs(text: string): number | null {
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return null
  let sum = 0
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    sum += Number(number) * UNIT_MS[unit!]!
  }
  return sum
}
