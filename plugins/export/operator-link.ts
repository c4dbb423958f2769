// Outcomes go to every operator, each on its own: a queue, a connection and a pace of its own, so that one that is slow
// or away holds up no other. Lines of JSON, a batch at most 20 ms after its first request.
import { setTimeout as delay } from 'node:timers/promises'
import type { TlsConfig } from '../../operator/secrets/tls-options.ts'
import type { LogFields, Logger } from '../../operator/telemetry/logger.ts'
import { revealed, type Secret } from '../../operator/telemetry/secret.ts'
import { BatchSender } from './batch-sender.ts'
import { createPoster, PostError, type Poster } from './post.ts'
import { rareWarning } from './rare-log.ts'
import { backoffMs } from './retry-delay.ts'

export interface OperatorLinkOptions {
  /** Of the operator's API, e.g. http://127.0.0.1:8080. */
  readonly operator: string
  /** KONGSUL_FEED_TOKEN. */
  readonly token: Secret | string
  readonly tls?: TlsConfig | undefined
  readonly log: Logger
  readonly maxQueued?: number
  readonly batchMs?: number
  readonly maxBatch?: number
  readonly timeoutMs?: number
}

/**
 * Why outcomes did not arrive: no room while the operator was away or slow, refused, sent without an answer (never
 * sent twice: they are counted over there), or not before the end.
 */
export const OUTCOME_DROPS = ['queue_full', 'refused', 'failed', 'shutdown'] as const
export type OutcomeDrop = (typeof OUTCOME_DROPS)[number]

export interface LinkCounts {
  sent: number
  readonly dropped: Record<OutcomeDrop, number>
}

const DEFAULTS = {
  tls: undefined,
  maxQueued: 10_000,
  batchMs: 10,
  maxBatch: 2_000,
  timeoutMs: 2_000,
} as const
const BACKOFF = { baseMs: 100, maxMs: 5_000 } as const

export class OperatorLink {
  readonly operator: string
  readonly counts: LinkCounts = {
    sent: 0,
    dropped: { queue_full: 0, refused: 0, failed: 0, shutdown: 0 },
  }
  readonly #options: Required<OperatorLinkOptions>
  readonly #poster: Poster
  readonly #sender: BatchSender<string>
  readonly #warn: (message: string, fields: LogFields) => void
  #failures = 0

  /** @throws TypeError when the operator's address is no URL. */
  constructor(options: OperatorLinkOptions) {
    this.#options = { ...DEFAULTS, ...options }
    this.operator = options.operator
    this.#poster = createPoster(new URL('/internal/outcomes', options.operator).href, {
      tls: options.tls,
      prefix: 'operators',
    })
    this.#warn = rareWarning(options.log)
    this.#sender = new BatchSender({
      maxQueued: this.#options.maxQueued,
      maxBatch: this.#options.maxBatch,
      delayMs: this.#options.batchMs,
      isEager: true,
      deliver: (batch, signal) => this.#deliver(batch, signal),
    })
  }

  /** Outcomes that wait, and those under way. */
  get queued(): number {
    return this.#sender.queued
  }

  /** One outcome as JSON, without a line end. Never waits and never throws. */
  add(line: string): void {
    if (!this.#sender.add(line)) this.counts.dropped[this.#sender.isStopping ? 'shutdown' : 'queue_full']++
  }

  /** Sends what waits, for `deadlineMs` at most; what is left then is dropped. */
  async stop(deadlineMs = 1_000): Promise<void> {
    const left = await this.#sender.stop(deadlineMs)
    this.counts.dropped.shutdown += left
    this.#poster.close()
  }

  async #deliver(batch: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#post(batch, signal)
    if (this.#failures === 0) return
    const waitMs = backoffMs(this.#failures - 1, BACKOFF, Math.random())
    await delay(waitMs, undefined, { signal, ref: false }).catch(() => {})
  }

  async #post(batch: readonly string[], signal: AbortSignal): Promise<void> {
    const { token, timeoutMs } = this.#options
    const headers = {
      'content-type': 'application/x-ndjson',
      authorization: `Bearer ${revealed(token) ?? ''}`,
    }
    const body = `${batch.join('\n')}\n`
    try {
      const { status } = await this.#poster.post({ body, headers, timeoutMs, signal })
      this.#answered(status, batch)
    } catch (error) {
      this.#failures++
      if (error instanceof PostError && error.isUnsent) this.#putBack(batch)
      else this.counts.dropped[signal.aborted ? 'shutdown' : 'failed'] += batch.length
      if (!signal.aborted)
        this.#warn('outcomes do not reach the operator', { operator: this.operator, error })
    }
  }

  #answered(status: number, batch: readonly string[]): void {
    if (status >= 200 && status <= 299) {
      this.#failures = 0
      this.counts.sent += batch.length
      return
    }
    this.#failures++
    // Not now: the operator has looked at none of them.
    if (status === 429 || status === 503) this.#putBack(batch)
    else this.counts.dropped.refused += batch.length
    const isTokenWrong = status === 401 || status === 403
    this.#warn(
      isTokenWrong
        ? 'the operator refuses our outcomes: set the same KONGSUL_FEED_TOKEN for both'
        : 'the operator refuses our outcomes',
      { operator: this.operator, status },
    )
  }

  #putBack(batch: readonly string[]): void {
    this.counts.dropped.queue_full += this.#sender.putBack(batch)
  }
}
