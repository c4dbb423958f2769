import type { ConsulError } from './consul-error.ts'

/** Several watches of Consul: which of them fail, and what is told of it. One that has not answered yet fails. */
export class WatchDoubt {
  readonly #broken: Map<string, ConsulError | null>
  readonly #tell: (doubt: ConsulError | null) => void
  /** undefined: nothing was told yet. */
  #told: ConsulError | null | undefined

  /** @param tell called when reading begins to fail (with the reason) and when it works again (null) */
  constructor(watches: readonly string[], tell: (doubt: ConsulError | null) => void) {
    this.#broken = new Map(watches.map((watch) => [watch, null]))
    this.#tell = tell
  }

  get isBroken(): boolean {
    return this.#broken.size > 0
  }

  answered(watch: string): void {
    this.#broken.delete(watch)
  }

  failed(watch: string, error: ConsulError): void {
    this.#broken.set(watch, error)
    this.note(error)
  }

  /** Everything was read: there is no doubt any more, unless a watch fails. */
  settle(): void {
    if (!this.isBroken) this.note(null)
  }

  /** Tells of it when it is another than the one told before. */
  note(doubt: ConsulError | null): void {
    if (this.#told !== undefined && doubt?.code === this.#told?.code) return
    this.#told = doubt
    this.#tell(doubt)
  }
}
