import type { Outcome } from '../outcomes/outcome.ts'

export interface UnaskedOptions {
  /** How many messages Kong has sent to the plugins' sockets. */
  readonly calls: () => number
  /** Whether a request to this host and path is for a service of the mesh, on which the plugins are. */
  readonly isForMesh: (host: string, path: string) => boolean
  /** Once for each time that it begins. */
  readonly onBegin: () => void
  /** Monotonic, ms. */
  readonly clock?: () => number
}

/** Whose a request is takes a look at every route. */
const LOOK_MS = 1_000
/** One may be of a moment in which Kong starts. */
const ENOUGH = 3

/**
 * Requests that Kong answered 500 since it called the plugins last. The access log tells of them over UDP also where Kong
 * may not open, or does not see, the plugins' sockets: then it cannot start an instance of a plugin, and refuses every
 * request to a service that has one.
 * Source: kong/runloop/plugin_servers/plugin.lua of Kong 3.9, `get_instance_id`.
 */
export class UnaskedRequests {
  readonly #options: UnaskedOptions
  readonly #clock: () => number
  #calls = 0
  #count = 0
  #lookedMs = Number.NEGATIVE_INFINITY

  constructor(options: UnaskedOptions) {
    this.#options = options
    this.#clock = options.clock ?? (() => performance.now())
  }

  note({ status, source, serviceId, host, path }: Outcome): void {
    if (status !== 500 || source !== 'exit' || serviceId !== null) return
    this.#forgetWhenCalled()
    if (this.#count === 0) {
      const nowMs = this.#clock()
      if (nowMs - this.#lookedMs < LOOK_MS) return
      this.#lookedMs = nowMs
      if (!this.#options.isForMesh(host, path)) return
    }
    this.#count += 1
    if (this.#count === ENOUGH) this.#options.onBegin()
  }

  /** 0 while it may be chance. */
  get count(): number {
    this.#forgetWhenCalled()
    return this.#count < ENOUGH ? 0 : this.#count
  }

  #forgetWhenCalled(): void {
    const calls = this.#options.calls()
    if (calls !== this.#calls) this.#count = 0
    this.#calls = calls
  }
}
