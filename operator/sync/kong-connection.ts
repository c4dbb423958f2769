import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs } from '../consul/backoff.ts'
import { KongError } from '../kong/kong-error.ts'
import type { Logger } from '../telemetry/logger.ts'

export interface KongConnectionOptions {
  readonly log: Logger
  readonly signal: AbortSignal
  /** Reads everything anew; the connection is up when this succeeds. */
  readonly read: () => Promise<void>
  readonly onUp: () => void
  readonly onDown: () => void
  /** A node that does not answer in time is as good as gone where another can take over. */
  readonly hasOtherNodes?: () => boolean
}

const RETRY = { firstMs: 100, maxMs: 5000 }

/**
 * Whether Kong can be talked to. While it cannot, nothing is tried but reading it: what it holds when it is back is
 * anybody's guess, so everything is read before anything is written.
 */
export class KongConnection {
  readonly #options: KongConnectionOptions
  /** Settles when Kong was read for the first time, or never will be. */
  readonly wasRead: Promise<void>
  #settleRead: () => void = () => {}
  #isUp = false
  #isConnecting = false
  #error: Error | null = null

  constructor(options: KongConnectionOptions) {
    this.#options = options
    this.wasRead = new Promise((resolve) => {
      this.#settleRead = resolve
    })
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** Why it is down; null while it is up, or before the first try. */
  get error(): Error | null {
    return this.#error
  }

  /** Tells of a failed call: one without an answer, or of a Kong of another kind, takes the connection down. */
  report(error: unknown): void {
    if (!(error instanceof KongError && this.#isDown(error))) return
    this.#error = error
    if (this.#isUp) {
      this.#isUp = false
      this.#options.log.warn('Kong cannot be reached', { code: error.code, reason: error.message })
      this.#options.onDown()
    }
    void this.connect()
  }

  #isDown({ code }: KongError): boolean {
    if (code === 'KONG_TIMEOUT') return this.#options.hasOtherNodes?.() ?? false
    return code === 'KONG_UNREACHABLE' || code === 'KONG_OTHER_KIND'
  }

  /** Reads Kong until it answers. */
  async connect(): Promise<void> {
    if (this.#isConnecting || this.#isUp) return
    this.#isConnecting = true
    const { log, signal, read, onUp } = this.#options
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await read()
        this.#isUp = true
        this.#error = null
        break
      } catch (error) {
        const failure = error instanceof Error ? error : new Error(String(error))
        if (failure.message !== this.#error?.message)
          log.warn('Kong cannot be read', { reason: failure.message })
        this.#error = failure
        await delay(backoffMs(attempt, RETRY, Math.random()), undefined, { signal }).catch(() => {})
      }
    }
    this.#isConnecting = false
    this.#settleRead()
    if (this.#isUp) onUp()
  }
}
