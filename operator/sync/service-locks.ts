import { RequestError } from '../http/request-error.ts'

export interface LockOptions {
  /** Why nothing is written now; null when it may be. */
  readonly refusal: () => string | null
  /** Is the loop writing the service, or about to? */
  readonly isBusy: (service: string) => boolean
  readonly onUnlocked: (service: string) => void
}

/** How long somebody who wants to write a service alone waits for it. */
const LIMIT_MS = 10_000
const LOOK_MS = 5

/** Services that somebody writes alone, at the wish of a person; the loop leaves them alone meanwhile. */
export class ServiceLocks {
  readonly #options: LockOptions
  readonly #locked = new Set<string>()

  constructor(options: LockOptions) {
    this.#options = options
  }

  has(service: string): boolean {
    return this.#locked.has(service)
  }

  /** @throws RequestError 503 when the service is written all the time */
  async whileLocked<T>(service: string, work: () => Promise<T>): Promise<T> {
    const deadlineMs = performance.now() + LIMIT_MS
    await this.#whileBusy(service, () => this.#locked.has(service), deadlineMs)
    this.#locked.add(service)
    try {
      await this.#whileBusy(service, () => this.#options.isBusy(service), deadlineMs)
      return await work()
    } finally {
      this.#locked.delete(service)
      this.#options.onUnlocked(service)
    }
  }

  /** Where nothing may be written any more there is nothing to wait for: the work is refused. */
  async #whileBusy(service: string, isBusy: () => boolean, deadlineMs: number): Promise<void> {
    while (isBusy() && (this.#locked.has(service) || this.#options.refusal() === null)) {
      if (performance.now() > deadlineMs) {
        throw new RequestError(503, `${service} is being written all the time: try again`)
      }
      await new Promise((done) => setTimeout(done, LOOK_MS))
    }
  }
}
