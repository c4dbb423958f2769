import { backoffMs } from './backoff.ts'
import type { ConsulError } from './consul-error.ts'
import type { Expectation } from './pending-reads.ts'

export interface UnreadOptions {
  /** It is time to read the service again. */
  readonly onDue: (service: string, expected: Expectation) => void
  /** Told when a service joins, leaves, or fails with another code. */
  readonly onChange: (unread: ReadonlyMap<string, ConsulError>) => void
}

interface Unread {
  expected: Expectation
  error: ConsulError
  attempt: number
  timer: NodeJS.Timeout | null
}

const RETRY = { firstMs: 100, maxMs: 30_000 }

/** Services that Consul does not answer for while it answers for others: each is tried again on its own. */
export class UnreadServices {
  readonly #options: UnreadOptions
  readonly #unread = new Map<string, Unread>()

  constructor(options: UnreadOptions) {
    this.#options = options
  }

  failed(service: string, expected: Expectation, error: ConsulError): void {
    const known = this.#unread.get(service)
    const unread = known ?? { expected, error, attempt: 0, timer: null }
    const isNews = known === undefined || known.error.code !== error.code
    Object.assign(unread, { expected, error })
    if (unread.timer !== null) clearTimeout(unread.timer)
    unread.timer = setTimeout(
      () => this.#options.onDue(service, unread.expected),
      backoffMs(unread.attempt, RETRY, Math.random()),
    )
    unread.timer.unref()
    unread.attempt += 1
    this.#unread.set(service, unread)
    if (isNews) this.#tell()
  }

  read(service: string): void {
    const unread = this.#unread.get(service)
    if (unread === undefined) return
    if (unread.timer !== null) clearTimeout(unread.timer)
    this.#unread.delete(service)
    this.#tell()
  }

  stop(): void {
    for (const { timer } of this.#unread.values()) if (timer !== null) clearTimeout(timer)
  }

  #tell(): void {
    this.#options.onChange(new Map([...this.#unread].map(([service, { error }]) => [service, error])))
  }
}
