import type { KvWriter } from '../consul/kv-writer.ts'
import type { Refusal } from '../core/settings.ts'
import { type KvRows, type KvWrite, planStatusWrites } from '../core/settings-status.ts'
import type { Logger } from '../telemetry/logger.ts'

export interface StatusKeeperOptions {
  readonly writer: KvWriter
  readonly log: Logger
  /** Does this operator write at all (no dry run, the leader)? */
  readonly isActive: () => boolean
  /** Key of KV that tells about a document, null for documents that are not this keeper's; by default those of settings. */
  readonly keyOf?: (document: string) => string | null
}

/**
 * Keeps `mesh/status/<name>` in KV true to what is refused. Each write is a compare-and-set against what was read, and
 * what somebody else changed after it is not written again before the next review: operators of two meshes that share
 * these settings and see them differently must not fight.
 */
export class StatusKeeper {
  readonly #options: StatusKeeperOptions
  #rows: KvRows = new Map()
  /** null until the settings were read: what is told from before must not be forgotten for that. */
  #refused: ReadonlyMap<string, Refusal> | null = null
  /** What was written last, by key. */
  readonly #written = new Map<string, string>()
  #isWriting = false
  #isDue = false
  #failure: string | null = null

  constructor(options: StatusKeeperOptions) {
    this.#options = options
  }

  /** What KV holds now. */
  setRows(rows: KvRows): void {
    this.#rows = rows
    this.#begin()
  }

  setRefused(refused: ReadonlyMap<string, Refusal>): void {
    this.#refused = refused
    this.#begin()
  }

  /** Writes all that differs, if this operator may. */
  review(): void {
    this.#written.clear()
    this.#begin()
  }

  #begin(): void {
    this.#isDue = true
    if (!this.#isWriting) void this.#write()
  }

  async #write(): Promise<void> {
    this.#isWriting = true
    while (this.#isDue && this.#refused !== null && this.#options.isActive()) {
      this.#isDue = false
      try {
        const now = new Date().toISOString()
        for (const write of planStatusWrites(this.#refused, this.#rows, now, this.#options.keyOf)) {
          const saying = sayingOf(write)
          if (this.#written.get(write.key) === saying) continue
          if (await this.#options.writer.write(write)) this.#written.set(write.key, saying)
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

/** What it tells, without the time. */
const sayingOf = ({ text }: KvWrite): string => text?.replace(/"since":"[^"]*"/, '') ?? ''
