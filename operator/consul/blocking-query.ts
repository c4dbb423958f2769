import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { ConsulError, consulError } from './consul-error.ts'
import type { Answer, Read } from './consul-reader.ts'
import { RetryPace } from './retry-pace.ts'

export interface BlockingQuery<T> {
  readonly read: Read<T>
  /**
   * Longest wait of one query. Short enough that a reset index nobody told of is noticed in seconds, long enough
   * that all queries together stay under one request a second at rest.
   */
  readonly waitMs: number
  readonly signal: AbortSignal
  /**
   * Called with the first answer, with every one whose index differs, and with the first one after a failure; throwing
   * counts as a failed read.
   */
  readonly onAnswer: (answer: Answer<T>, event: AnswerEvent) => void
  readonly onFailure: (error: ConsulError) => void
  /** Tells of answers with the same index too: below a prefix of KV rows can vanish without moving it. */
  readonly everyAnswer?: boolean
}

export interface AnswerEvent {
  /**
   * True when indexes of before this answer mean nothing any more: the first answer, an index that went backwards
   * or a connection that broke (the agent may be another one now, with indexes of its own).
   */
  readonly fresh: boolean
  /** True when the index went backwards: Consul was restored or replaced, or rows of the newest index are gone. */
  readonly backwards: boolean
  /** True when a read failed since the answer before. */
  readonly broken: boolean
}

const RETRY = { firstMs: 100, maxMs: 10_000 }
/** Answers that come back at once are a burst; a pause makes several changes one answer, a longer one the longer many are made. */
const BURST_PAUSE = { firstMs: 25, mostMs: 100 }
/** What a wait that ran out has taken at least, of what was asked for: Consul waits longer rather than shorter. */
const WHOLE_WAIT = 0.9
/** One change after another moves the index by no more than this; a registration and its first check are two writes. */
const ONE_CHANGE = 3n

/**
 * Follows one blocking query until the signal aborts, by the rules of
 * https://developer.hashicorp.com/consul/api-docs/features/blocking: the index is reset when it goes backwards or
 * is 0, and after a failure. Also after an answer that brought nothing new long before the wait was over: `consul snapshot
 * restore` ends each wait so, and the restored rows, whose indexes are lower, would be waited for in vain
 * (agent/blockingquery, AbandonCh). Its index is the one that was waited to be exceeded, or, where newer versions go on
 * waiting while only other rows change, a later one with the rows of before.
 */
export async function followBlockingQuery<T>(query: BlockingQuery<T>): Promise<void> {
  const { read, waitMs, signal, onAnswer, onFailure, everyAnswer = false } = query
  let index = 0n
  let seen: bigint | null = null
  let before: T | null = null
  let fresh = true
  let broken = false
  let pauseMs = 0
  const pace = new RetryPace(RETRY)
  while (!signal.aborted) {
    const startedAt = performance.now()
    try {
      const answer = await read({ index, waitMs, signal })
      const tookMs = performance.now() - startedAt
      const backwards = seen !== null && answer.index < seen
      if (everyAnswer || fresh || broken || backwards || answer.index !== seen || answer.index === 0n) {
        onAnswer(answer, { fresh: fresh || backwards, backwards, broken })
      }
      const moved = answer.index - (seen ?? answer.index)
      const isEarly = index > 0n && tookMs < WHOLE_WAIT * waitMs
      const isSame = () => everyAnswer && isDeepStrictEqual(answer.body, before)
      const abandoned = isEarly && (answer.index === index || isSame())
      seen = answer.index
      before = everyAnswer ? answer.body : null
      index = backwards || abandoned ? 0n : answer.index
      fresh = false
      broken = false
      pace.reset()
      pauseMs = answer.index === 0n ? 1000 : burstPauseMs(tookMs, pauseMs, moved)
      if (pauseMs > 0) await pause(pauseMs, signal)
    } catch (error) {
      if (signal.aborted) return
      const failure = error instanceof ConsulError ? error : consulError('watch', error)
      onFailure(failure)
      index = 0n
      broken = true
      if (failure.code === 'CONSUL_UNREACHABLE' || failure.code === 'CONSUL_NOT_READY') fresh = true
      await pause(pace.afterFailure(failure, Math.random()), signal)
    }
  }
}

/**
 * 0 after an answer that was waited for.
 * @param moved by how much the index has grown, which is how often somebody wrote
 */
export function burstPauseMs(tookMs: number, pauseBeforeMs: number, moved: bigint): number {
  const { firstMs, mostMs } = BURST_PAUSE
  const isBurst = tookMs < firstMs + Math.min(pauseBeforeMs, mostMs) / 2
  if (!isBurst) return 0
  return moved <= ONE_CHANGE ? firstMs : Math.min(mostMs, Math.max(firstMs, 2 * pauseBeforeMs))
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {})
}
