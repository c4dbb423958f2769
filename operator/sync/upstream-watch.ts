import type { DesiredIndex } from './desired-index.ts'
import { upstreamsByInstance, type Watched, watchedAfter, watchedUpstreams } from './watched-upstreams.ts'

/** The upstreams whose marks are looked after, kept up to date change by change. */
export class UpstreamWatch {
  readonly #isPaused: ((service: string) => boolean) | undefined
  #all: Watched = new Map()
  /** Of which of these somebody paused none: thousands are not looked at for each answer of a health check. */
  #looked: { readonly all: Watched; readonly unpaused: Watched } | null = null

  /** Made when a request fails. */
  #byInstance: { readonly all: Watched; readonly ids: ReadonlyMap<string, readonly string[]> } | null = null

  constructor(isPaused: ((service: string) => boolean) | undefined) {
    this.#isPaused = isPaused
  }

  begin(index: DesiredIndex): void {
    this.#all = watchedUpstreams(index)
  }

  follow(before: DesiredIndex, after: DesiredIndex, changed: readonly string[]): void {
    this.#all = watchedAfter(this.#all, before, after, changed)
  }

  /** Somebody paused a service, or resumed it. */
  reviewPauses(): void {
    this.#looked = null
  }

  /** Kong's own marks of a paused service are left to whoever paused it. */
  unpaused(): Watched {
    const isPaused = this.#isPaused
    if (isPaused === undefined) return this.#all
    if (this.#looked?.all !== this.#all) {
      const left = [...this.#all].filter(([, { service }]) => !isPaused(service))
      const unpaused = left.length === this.#all.size ? this.#all : new Map(left)
      this.#looked = { all: this.#all, unpaused }
    }
    return this.#looked.unpaused
  }

  /** Ids of the upstreams that an instance is in. */
  having(instance: string): readonly string[] {
    const all = this.unpaused()
    if (this.#byInstance?.all !== all) this.#byInstance = { all, ids: upstreamsByInstance(all) }
    return this.#byInstance.ids.get(instance) ?? []
  }
}
