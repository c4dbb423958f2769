import type { Silence } from '../alerts/silences.ts'
import { silenceKey, silencesIn, silenceText, spentSilences } from '../alerts/silences.ts'
import type { KvWriter } from '../consul/kv-writer.ts'
import type { KvRows } from '../core/settings-status.ts'
import type { Logger } from '../telemetry/logger.ts'

export interface SilenceBookOptions {
  readonly writer: KvWriter
  readonly log: Logger
  /** May this operator remove from KV what is over? */
  readonly isActive: () => boolean
}

/** The silences of KV as they are in force. */
export class SilenceBook {
  readonly #options: SilenceBookOptions
  #rows: KvRows = new Map()

  constructor(options: SilenceBookOptions) {
    this.#options = options
  }

  /** In force now, sorted by id. */
  list(): readonly Silence[] {
    return silencesIn(this.#rows, Date.now())
  }

  /** What KV holds now. */
  setRows(rows: KvRows): void {
    this.#rows = rows
  }

  /** In force here when this returns, elsewhere as soon as KV is read. @throws ConsulError */
  async add(silence: Silence): Promise<void> {
    const key = silenceKey(silence.id)
    const text = silenceText(silence)
    await this.#options.writer.force(key, text)
    this.#rows = new Map(this.#rows).set(key, { text, index: this.#rows.get(key)?.index ?? 0 })
  }

  /** @returns false when there is none in force. @throws ConsulError */
  async remove(id: string): Promise<boolean> {
    if (!this.list().some((each) => each.id === id)) return false
    const key = silenceKey(id)
    await this.#options.writer.force(key, null)
    this.#rows = new Map([...this.#rows].filter(([each]) => each !== key))
    return true
  }

  /** Removes what is over from KV. That it is over does not depend on it. */
  async review(): Promise<void> {
    if (!this.#options.isActive()) return
    for (const key of spentSilences(this.#rows, Date.now())) {
      const index = this.#rows.get(key)?.index ?? 0
      await this.#options.writer.write({ key, text: null, index }).catch((error: unknown) => {
        this.#options.log.debug('a silence that is over stays in KV', {
          key,
          reason: (error as Error).message,
        })
      })
    }
  }
}
