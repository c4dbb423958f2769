// When to try again. OTLP/HTTP: https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes

/** Only these are worth another try; every other refusal is final. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504])

/** No server makes us wait longer than this. */
const MAX_RETRY_AFTER_MS = 300_000

export const isRetryable = (status: number): boolean => RETRYABLE.has(status)

export interface Backoff {
  readonly baseMs: number
  readonly maxMs: number
}

/** Exponential with jitter: between half of and all of base * 2^attempt, at most maxMs. `dice` is in [0, 1). */
export function backoffMs(attempt: number, { baseMs, maxMs }: Backoff, dice: number): number {
  const full = Math.min(baseMs * 2 ** Math.min(attempt, 30), maxMs)
  return full / 2 + (full / 2) * dice
}

/**
 * What `Retry-After` asks for, in ms: seconds or a date (RFC 9110, 10.2.3). Null for nothing, and for what is neither.
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null
  const value = header.trim()
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS)
}
