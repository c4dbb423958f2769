import type { KvWriter } from '../consul/kv-writer.ts'
import type { Refusal } from '../core/settings.ts'
import { type KvRows, planStatusWrites } from '../core/settings-status.ts'
import type { Logger } from '../telemetry/logger.ts'

export interface StatusKeeperOptions {
  readonly writer: KvWriter
  readonly log: Logger
  /** Does this operator write at all (no dry run, the leader)? */
  readonly isActive: () => boolean
}

/**
 * Keeps `mesh/status/<name>` in KV true to what is refused. Each write is a compare-and-set against what was read, so
 * two operators never fight: one of them wins, and the answer of the watch shows both what is there.
 */
export class StatusKeeper {
  readonly #options: StatusKeeperOptions
  #rows: KvRows = new Map()
  /** null until the settings were read: what is told from before must not be forgotten for that. */
  #refused: ReadonlyMap<string, Refusal> | null = null
  #isWriting = false
  #isDue = false
  #failure: string | null = null

  constructor(options: StatusKeeperOptions) {
    this.#options = options
  }

  /** What KV holds now. */
  setRows(rows: KvRows): void {
    this.#rows = rows
    this.review()
  }

  setRefused(refused: ReadonlyMap<string, Refusal>): void {
    this.#refused = refused
    this.review()
  }

  /** Writes what differs, if this operator may. */
  review(): void {
    this.#isDue = true
    if (!this.#isWriting) void this.#write()
  }

  async #write(): Promise<void> {
    this.#isWriting = true
    while (this.#isDue && this.#refused !== null && this.#options.isActive()) {
      this.#isDue = false
      try {
        for (const write of planStatusWrites(this.#refused, this.#rows, new Date().toISOString())) {
          await this.#options.writer.write(write)
        }
        this.#failure = null
      } catch (error) {
        const { message } = error as Error
        // Once a reason: the next change, or the next resync, tries again.
        if (message !== this.#failure) {
          this.#options.log.warn('the status of settings cannot be written', { reason: message })
        }
        this.#failure = message
        break
      }
    }
    this.#isWriting = false
  }
}
