import type { KvWriter } from '../consul/kv-writer.ts'
import { FORMAT, FORMAT_KEY, formatInKv, formatText } from '../core/format.ts'
import type { KvRows } from '../core/settings-status.ts'
import type { Logger } from '../telemetry/logger.ts'

export interface FormatBookOptions {
  readonly writer: Pick<KvWriter, 'write'>
  readonly log: Logger
  readonly version: string
  /** Does this operator write (the leader)? */
  readonly isActive: () => boolean
  /** It may write again, or not any more. */
  readonly onChange: () => void
}

/**
 * Keeps KV true to the format that operators write, and says when that is one this version does not know: it writes nothing
 * then, so that going back to an older version harms nothing.
 */
export class FormatBook {
  readonly #options: FormatBookOptions
  #rows: KvRows = new Map()
  #refusal: string | null = null
  #isWriting = false

  constructor(options: FormatBookOptions) {
    this.#options = options
  }

  /** Why this operator may not write; null when it may. */
  get refusal(): string | null {
    return this.#refusal
  }

  /** What KV holds now. */
  setRows(rows: KvRows): void {
    this.#rows = rows
    const told = formatInKv(rows.get(FORMAT_KEY)?.text)
    const refusal =
      told !== null && told > FORMAT
        ? `FORMAT_NEWER: a newer version wrote KV ${FORMAT_KEY}, this one knows formats up to ${FORMAT}: nothing is ` +
          'written; run the newer version, or delete that key once no newer operator runs'
        : null
    if (refusal !== null && this.#refusal === null)
      this.#options.log.error(refusal, { code: 'FORMAT_NEWER', key: FORMAT_KEY })
    const isChanged = (refusal === null) !== (this.#refusal === null)
    this.#refusal = refusal
    if (isChanged) this.#options.onChange()
    this.review()
  }

  /** Writes the format where KV tells none, or an older one, if this operator may. */
  review(): void {
    const told = formatInKv(this.#rows.get(FORMAT_KEY)?.text)
    if (this.#isWriting || !this.#options.isActive() || (told !== null && told >= FORMAT)) return
    void this.#write()
  }

  async #write(): Promise<void> {
    this.#isWriting = true
    const { writer, log, version } = this.#options
    const index = this.#rows.get(FORMAT_KEY)?.index ?? 0
    try {
      await writer.write({ key: FORMAT_KEY, text: formatText(version), index })
    } catch (error) {
      log.warn('the format cannot be written to KV', { reason: (error as Error).message })
    } finally {
      this.#isWriting = false
    }
  }
}
