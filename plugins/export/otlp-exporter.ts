// Spans go to an OTLP/HTTP endpoint in batches, compressed: those of the gateway as JSON, since every receiver of OTLP/HTTP
// has to take it, those that a collector hands on as they came. One batch is under way at a time; what comes meanwhile waits, up to a limit, and beyond it is dropped.
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { LogFields, Logger } from '../../operator/telemetry/logger.ts'
import { BatchSender } from './batch-sender.ts'
import type { Encoded } from './encoded.ts'
import { rejectedSpans } from './otlp-json.ts'
import { createPoster, type Post, type PostAnswer, type Poster, type PosterTls } from './post.ts'
import { rareWarning } from './rare-log.ts'
import { type Backoff, backoffMs, isRetryable, retryAfterMs } from './retry-delay.ts'

export interface OtlpExporterOptions<Item> {
  /** Name in metrics and logs: URLs may hold credentials. */
  readonly name: string
  /** Where to POST; see tracesUrl. */
  readonly url: string
  /** Makes requests of a batch; one of spans is one request. */
  readonly encode: (batch: readonly Item[]) => readonly Encoded[]
  /** Spans in an item; 1 when not given. */
  readonly spansIn?: (item: Item) => number
  /** What an item counts for of `maxQueuedSpans` and `maxBatchSpans`, where that is not 1. */
  readonly weigh?: (item: Item) => number
  readonly log: Logger
  /** Sent along, e.g. for authentication; asked before each request. */
  readonly headers?: () => Readonly<Record<string, string>>
  /** How its endpoint is reached at https; as everybody's when not given. */
  readonly tls?: PosterTls
  readonly isCompressed?: boolean
  readonly maxQueuedSpans?: number
  readonly maxBatchSpans?: number
  /** A batch that is not full goes this long after its first span. */
  readonly delayMs?: number
  readonly timeoutMs?: number
  /** How often a batch is tried before it is dropped. */
  readonly maxTries?: number
  readonly backoff?: Backoff
}

/** Why spans did not arrive: no room, refused, no success after all tries, rejected one by one, or not before the end. */
export const SPAN_DROPS = ['queue_full', 'refused', 'gave_up', 'rejected', 'shutdown'] as const
export type SpanDrop = (typeof SPAN_DROPS)[number]

export interface ExporterCounts {
  exported: number
  requests: number
  retries: number
  readonly dropped: Record<SpanDrop, number>
}

const gzipped = promisify(gzip)

export class OtlpExporter<Item> {
  readonly name: string
  readonly counts: ExporterCounts = {
    exported: 0,
    requests: 0,
    retries: 0,
    dropped: { queue_full: 0, refused: 0, gave_up: 0, rejected: 0, shutdown: 0 },
  }
  readonly #options: Required<OtlpExporterOptions<Item>>
  readonly #poster: Poster
  readonly #sender: BatchSender<Item>
  readonly #warn: (message: string, fields: LogFields) => void
  #queued = 0

  /** @throws TypeError when the URL is none. */
  constructor(options: OtlpExporterOptions<Item>) {
    this.#options = { ...DEFAULTS, ...options }
    this.name = options.name
    this.#poster = createPoster(options.url, this.#options.tls)
    this.#warn = rareWarning(options.log)
    this.#sender = new BatchSender({
      maxQueued: this.#options.maxQueuedSpans,
      maxBatch: this.#options.maxBatchSpans,
      delayMs: this.#options.delayMs,
      weigh: this.#options.weigh,
      deliver: (batch, signal) => this.#send(batch, signal),
    })
  }

  /** Spans that wait, and those under way. */
  get queued(): number {
    return this.#queued
  }

  /** Never waits and never throws. */
  add(items: readonly Item[]): void {
    for (const item of items) {
      const spans = this.#options.spansIn(item)
      this.#queued += spans
      if (!this.#sender.add(item)) this.#drop(this.#sender.isStopping ? 'shutdown' : 'queue_full', spans)
    }
  }

  /** Sends what waits, for `deadlineMs` at most; what is left then is dropped. */
  async stop(deadlineMs = 2_000): Promise<void> {
    await this.#sender.stop(deadlineMs)
    this.#drop('shutdown', this.#queued)
    this.#poster.close()
  }

  async #send(batch: readonly Item[], signal: AbortSignal): Promise<void> {
    for (const encoded of this.#options.encode(batch)) {
      try {
        await this.#deliver(encoded, signal)
      } catch (error) {
        this.#drop(signal.aborted ? 'shutdown' : 'gave_up', encoded.spans)
        if (!signal.aborted) this.#warn('spans could not be exported', { exporter: this.name, error })
      }
    }
  }

  #drop(reason: SpanDrop, spans: number): void {
    this.counts.dropped[reason] += spans
    this.#queued -= spans
  }

  /** Tries until there is an answer that settles it. @throws when there was none in all tries, or at the end. */
  async #deliver({ body: plain, contentType, spans }: Encoded, signal: AbortSignal): Promise<void> {
    const { headers, isCompressed, maxTries, backoff, timeoutMs } = this.#options
    const body = isCompressed ? await gzipped(plain) : plain
    const about = {
      'content-type': contentType,
      ...(isCompressed ? { 'content-encoding': 'gzip' } : {}),
    }
    for (let attempt = 1; ; attempt++) {
      const post = { body, headers: { ...headers(), ...about }, timeoutMs, signal }
      const answer = await this.#post(post, attempt === maxTries)
      if (answer !== null && !isRetryable(answer.status)) {
        this.#settle(answer, spans)
        return
      }
      if (attempt === maxTries) throw new Error(`answered ${answer?.status} to the last of ${maxTries} tries`)
      const asked = retryAfterMs(answer?.headers['retry-after'], Date.now())
      const waitMs = asked ?? backoffMs(attempt - 1, backoff, Math.random())
      this.counts.retries++
      await delay(waitMs, undefined, { signal, ref: false })
    }
  }

  /** Null when no answer came, which is worth another try too. @throws what happened when `isLast`. */
  async #post(post: Post, isLast: boolean): Promise<PostAnswer | null> {
    this.counts.requests++
    try {
      return await this.#poster.post(post)
    } catch (error) {
      if (isLast || post.signal.aborted) throw error
      return null
    }
  }

  #settle({ status, body }: PostAnswer, count: number): void {
    const exporter = this.name
    if (status < 200 || status > 299) {
      this.#drop('refused', count)
      this.#warn('the collector refuses spans', { exporter, status, answer: body.slice(0, 200) })
      return
    }
    const { count: said, message } = rejectedSpans(body)
    const rejected = Math.min(said, count)
    this.counts.exported += count - rejected
    this.#queued -= count - rejected
    this.#drop('rejected', rejected)
    if (rejected > 0) this.#warn('the collector rejects some spans', { exporter, rejected, reason: message })
  }
}

const DEFAULTS = {
  spansIn: () => 1,
  weigh: () => 1,
  headers: () => ({}),
  tls: { tls: undefined, prefix: 'otlp' },
  isCompressed: true,
  maxQueuedSpans: 20_000,
  maxBatchSpans: 512,
  delayMs: 500,
  timeoutMs: 10_000,
  maxTries: 6,
  backoff: { baseMs: 1_000, maxMs: 30_000 },
} as const

/** The traces URL of an endpoint as OTEL_EXPORTER_OTLP_ENDPOINT has it: `/v1/traces` is added unless it is there. */
export function tracesUrl(endpoint: string): string {
  const url = new URL(endpoint)
  if (!url.pathname.endsWith('/v1/traces')) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`
  return url.href
}
