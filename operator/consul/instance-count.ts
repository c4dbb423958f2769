import type { ConsulReader } from './consul-reader.ts'
import { countsThatDiffer, type ServiceEntry } from './service-table.ts'

export interface InstanceCountOptions {
  readonly reader: Pick<ConsulReader, 'summary'>
  readonly signal: AbortSignal
  readonly table: () => ReadonlyMap<string, ServiceEntry>
  /** True while services that were named are still being read. */
  readonly busy: () => boolean
}

/** How long what was counted takes to be read. */
const READ_WITHIN_MS = 500

/**
 * Finds services with another number of instances than was read of them, by one question about all. Consul counts the
 * sidecars of some versions elsewhere: a difference that a read of the service does not end is remembered.
 */
export class InstanceCount {
  readonly #options: InstanceCountOptions
  #offsets = new Map<string, number>()
  #mayAsk = true

  constructor(options: InstanceCountOptions) {
    this.#options = options
  }

  /** False once Consul has not answered the question. */
  get mayAsk(): boolean {
    return this.#mayAsk
  }

  /** It is not asked again. */
  refused(): void {
    this.#mayAsk = false
  }

  forget(): void {
    this.#offsets.clear()
    this.#mayAsk = true
  }

  /**
   * @returns services with another number, and the difference; null where Consul does not answer this question
   * @throws ConsulError
   */
  async differing(): Promise<DifferingCounts | null> {
    const { reader, signal, table } = this.#options
    const { body } = await reader.summary({ signal })
    if (!Array.isArray(body)) {
      this.#mayAsk = false
      return null
    }
    const counts = new Map(body.map(({ Name, InstanceCount: count }) => [Name, count]))
    return { counts, differing: countsThatDiffer(table(), counts, this.#offsets) }
  }

  /** The services are read now: what still differs then is no news the next time. */
  rememberWhatStays({ counts, differing }: DifferingCounts): void {
    for (const [name, difference] of differing) {
      if (difference === 0) this.#offsets.delete(name)
    }
    setTimeout(() => {
      if (this.#options.busy()) return
      for (const name of differing.keys()) {
        const known = this.#options.table().get(name)?.instances.length ?? 0
        const offset = (counts.get(name) ?? 0) - known
        if (offset === 0) this.#offsets.delete(name)
        else this.#offsets.set(name, offset)
      }
    }, READ_WITHIN_MS).unref()
  }
}

export interface DifferingCounts {
  readonly counts: ReadonlyMap<string, number>
  readonly differing: ReadonlyMap<string, number>
}
