import { ConsulError } from './consul-error.ts'
import type { ConsulReader } from './consul-reader.ts'

/** Name of the data centre, which links to Consul's UI need; asked for when somebody wants to know, and then kept. */
export class OwnDatacenter {
  readonly #reader: Pick<ConsulReader, 'datacenter'>
  #name: string | null
  #isAsking = false
  /** The token may not ask: it is not asked again. */
  #isDenied = false

  /** @param configured what the configuration says */
  constructor(reader: Pick<ConsulReader, 'datacenter'>, configured: string | undefined) {
    this.#reader = reader
    this.#name = configured ?? null
  }

  /** null: not known yet, or not to this token. */
  get name(): string | null {
    if (this.#name === null && !this.#isAsking && !this.#isDenied) void this.#ask()
    return this.#name
  }

  async #ask(): Promise<void> {
    this.#isAsking = true
    try {
      this.#name = await this.#reader.datacenter()
    } catch (error) {
      // Told as the doubt about Consul that it is; here only links are less deep for it.
      if (error instanceof ConsulError && error.code === 'CONSUL_DENIED') this.#isDenied = true
    }
    this.#isAsking = false
  }
}
