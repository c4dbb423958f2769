/** What an outcome means to the circuits: one verdict for the service, one for each instance that was tried. */

import type { Outcome, Try } from './outcome.ts'
import type { Rules } from './settings.ts'

export const IGNORED = 0
export const SUCCESS = 1
/** Counts in the failure rate, never among failures in a row: the other side is alive and asks for less. */
export const RATE_ONLY = 2
/** The instance answered, and the answer is a failure. */
export const FAILURE = 3
/** No answer: connect error, timeout, or silence until the client gave up. */
export const NO_ANSWER = 4

export type Verdict = typeof IGNORED | typeof SUCCESS | typeof RATE_ONLY | typeof FAILURE | typeof NO_ANSWER

export const isFailed = (verdict: Verdict): boolean => verdict >= RATE_ONLY

/**
 * Verdict on a call for its service. A client that goes away and whatever Kong or a plugin answered without asking an
 * instance say nothing about the service.
 */
export function classifyCall(outcome: Outcome, rules: Rules): Verdict {
  const { status, source, tries } = outcome
  if (source === 'exit' || isAborted(outcome)) return IGNORED
  if (status === 503 && tries !== null && tries.length === 0) return IGNORED // Kong had no peer to ask
  const last = tries === null ? undefined : tries[tries.length - 1]
  const isUnanswered = last !== undefined && (last.status === 'connect_error' || last.status === 'timeout')
  if (status === null) return isUnanswered ? NO_ANSWER : IGNORED
  if (isUnanswered && status >= 500) return NO_ANSWER
  return classifyAnswer(status, outcome.grpcStatus, rules)
}

/**
 * Verdict on the try at `index` for its instance.
 *
 * @param abortedAfterMs silence after which a client's going away is the instance's failure; 0: it never is
 */
export function classifyTry(outcome: Outcome, index: number, rules: Rules, abortedAfterMs: number): Verdict {
  const tries = outcome.tries!
  const { status } = tries[index]!
  if (outcome.source === 'exit') return IGNORED
  if (status === 'connect_error' || status === 'timeout') return NO_ANSWER
  const isLast = index === tries.length - 1
  // Kong tries again only after an error of the connection or a timeout (lua-resty-balancer, proxy_next_upstream).
  if (!isLast) return status === null ? NO_ANSWER : classifyAnswer(status, null, rules)
  if (isAborted(outcome)) return classifyAborted(outcome, tries[index]!, rules, abortedAfterMs)
  const answered = status ?? outcome.status
  return answered === null ? IGNORED : classifyAnswer(answered, outcome.grpcStatus, rules)
}

/**
 * Whether the instance gave no answer to the try at `index`. A connection that was reset while it was waited for has nginx's
 * own 502 in the place of an answer's: without a first byte, or followed by another try, which an answer never is.
 */
export function isUnanswered({ tries }: Outcome, index: number, verdict: Verdict): boolean {
  if (verdict !== FAILURE) return verdict === NO_ANSWER
  const { status, ttfbMs } = tries![index]!
  return status === 502 && (ttfbMs === null || index < tries!.length - 1)
}

/** Strictly above the threshold; a call without first byte is not slow. */
export const isSlow = (outcome: Outcome, rules: Rules): boolean =>
  rules.slowMs > 0 && outcome.ttfbMs !== null && outcome.ttfbMs > rules.slowMs

const isAborted = ({ source, status }: Outcome): boolean => source === 'client_abort' || status === 499

function classifyAborted(outcome: Outcome, last: Try, rules: Rules, abortedAfterMs: number): Verdict {
  const isAnswered = typeof last.status === 'number' && last.status >= 100 && last.status !== 499
  if (isAnswered) {
    const verdict = classifyAnswer(last.status as number, null, rules)
    return verdict === SUCCESS ? IGNORED : verdict
  }
  const hasBegun = outcome.ttfbMs !== null && outcome.ttfbMs >= 0
  const silentMs = last.ms ?? outcome.durationMs ?? 0
  return abortedAfterMs > 0 && !hasBegun && silentMs >= abortedAfterMs ? NO_ANSWER : IGNORED
}

function classifyAnswer(status: number, grpcStatus: number | null, rules: Rules): Verdict {
  const ranges = rules.failureRanges
  for (let i = 0; i < ranges.length; i += 2) {
    if (status >= ranges[i]! && status <= ranges[i + 1]!) return FAILURE
  }
  if (status === 429) return RATE_ONLY
  if (status === 499) return IGNORED
  return grpcStatus === null ? SUCCESS : classifyGrpc(grpcStatus)
}

/** DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE and DATA_LOSS are failures, RESOURCE_EXHAUSTED is gRPC's 429. */
function classifyGrpc(code: number): Verdict {
  if (code === 4 || code === 13 || code === 14 || code === 15) return FAILURE
  return code === 8 ? RATE_ONLY : SUCCESS
}
