import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { backoffMs, isRetryable, retryAfterMs } from '../../../plugins/export/retry-delay.ts'

test('only 429, 502, 503 and 504 are worth another try', () => {
  const retryable = Array.from({ length: 500 }, (_, i) => i + 100).filter(isRetryable)
  assert.deepEqual(retryable, [429, 502, 503, 504])
})

test('the wait doubles, with jitter, up to its limit', () => {
  const backoff = { baseMs: 100, maxMs: 1_000 }
  assert.deepEqual(
    [0, 1, 2, 3, 4, 500].map((attempt) => backoffMs(attempt, backoff, 0)),
    [50, 100, 200, 400, 500, 500],
  )
  fc.assert(
    fc.property(
      fc.nat(100),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, dice) => {
        const full = Math.min(100 * 2 ** attempt, 1_000)
        const ms = backoffMs(attempt, backoff, dice)
        return ms >= full / 2 && ms <= full
      },
    ),
  )
})

test('Retry-After is seconds or a date, five minutes at most', () => {
  const now = Date.parse('2026-11-24T00:00:00Z')
  assert.equal(retryAfterMs('2', now), 2_000)
  assert.equal(retryAfterMs(' 0 ', now), 0)
  assert.equal(retryAfterMs('Tue, 24 Nov 2026 00:00:07 GMT', now), 7_000)
  assert.equal(retryAfterMs('Tue, 24 Nov 2020 00:00:07 GMT', now), 0)
  assert.equal(retryAfterMs('99999999', now), 300_000)
})

test('a Retry-After that is neither, or is not there, says nothing', () => {
  assert.equal(retryAfterMs(undefined, 0), null)
  assert.equal(retryAfterMs('soon', 0), null)
  assert.equal(retryAfterMs('', 0), null)
})
