/**
 * What the section `circuitBreaker` of a settings document may hold. Everything may be left out; an unknown key refuses
 * the document. Rates and percentages are 0..100, names ending in Ms are milliseconds, Seconds seconds.
 */

import { z } from 'zod'
import {
  listOf,
  numberFrom,
  oneOf,
  section,
  textLike,
  wholeNumber,
} from '../../operator/core/settings-value.ts'

/** Kong stores timeouts as 31 bits (kong/db/schema/entities/services.lua). */
const MOST_TIMEOUT_MS = 2_147_483_646

const percent = () => numberFrom(0, 100)

/** A token of RFC 9110, 5.6.2, without the dot: in paths of settings it stands between keys. */
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+^_`|~-]+$/

const STATUS_ERROR = 'must be a status such as 503 or a range such as "500-599"'

const isRange = (text: string): boolean => {
  const [from, to = from] = text.split('-').map(Number) as [number, number?]
  return from <= to!
}

/** Rules of a circuit; `circuitBreaker.service` may set any of them anew for the service circuit. */
const circuitRules = {
  consecutiveFailures: wholeNumber(0, 1_000).optional(),
  window: section({
    seconds: wholeNumber(1, 3_600).optional(),
    buckets: wholeNumber(1, 100).optional(),
    calls: wholeNumber(1, 100_000).optional(),
  })
    .refine(
      (window) =>
        window.calls === undefined || (window.seconds === undefined && window.buckets === undefined),
      { error: 'must be {seconds, buckets} or {calls}, not both' },
    )
    .optional(),
  minimumCalls: wholeNumber(0, 100_000).optional(),
  failureRate: percent().optional(),
  slowCall: section({
    thresholdMs: wholeNumber(0, MOST_TIMEOUT_MS).optional(),
    rate: percent().optional(),
  }).optional(),
  failureStatuses: listOf(
    z.union(
      [
        wholeNumber(100, 999),
        textLike(/^[1-9]\d\d(?:-[1-9]\d\d)?$/, 'a status').refine(isRange, { error: STATUS_ERROR }),
      ],
      { error: STATUS_ERROR },
    ),
    100,
  ).optional(),
  openSeconds: numberFrom(0.1, 86_400).optional(),
  backoff: section({
    factor: numberFrom(1, 100).optional(),
    maxSeconds: numberFrom(0.1, 86_400).optional(),
    jitter: percent().optional(),
  }).optional(),
  halfOpen: section({
    trials: wholeNumber(1, 1_000).optional(),
    requiredSuccesses: wholeNumber(1, 1_000).optional(),
    limitSeconds: numberFrom(0.1, 3_600).optional(),
  }).optional(),
}

export const MODES = ['auto', 'metrics_only', 'forced_open', 'forced_closed', 'disabled'] as const

export const circuitBreaker = section({
  ...circuitRules,
  service: section(circuitRules).optional(),
  ejection: section({
    maxPercent: percent().optional(),
    panicPercent: percent().optional(),
    minimumHealthy: wholeNumber(0, 10_000).optional(),
    minimumGap: percent().optional(),
  }).optional(),
  rampSeconds: wholeNumber(0, 3_600).optional(),
  abortedAfterMs: wholeNumber(0, MOST_TIMEOUT_MS).optional(),
  mode: oneOf(MODES).optional(),
  refusal: section({
    status: wholeNumber(200, 599).optional(),
    body: z.string({ error: 'must be text' }).max(65_536, { error: 'must be at most 64 KiB' }).optional(),
    headers: z
      .record(textLike(HEADER_NAME, 'a header name'), z.string({ error: 'must be text' }), {
        error: 'must be an object of header names and texts',
      })
      .optional(),
  }).optional(),
})

/** A section `circuitBreaker` as people write it. */
export type BreakerDocument = z.input<typeof circuitBreaker>
