import { setTimeout as delay } from 'node:timers/promises'
import type { SchemaVerdicts } from '../kong/schema-verdicts.ts'
import type { Logger } from '../telemetry/logger.ts'

type ReasonsOf = (service: string) => readonly string[]

export interface SettingsCheckOptions {
  readonly log: Logger
  readonly signal: AbortSignal
  readonly verdicts: Pick<SchemaVerdicts, 'isWaiting' | 'ask'>
  readonly isKongUp: () => boolean
  /** What there is against a text of a document; what Kong has not been asked is noted. */
  readonly faultsOf: (key: string, text: string) => readonly string[] | null
  /** Kong was asked: settings are to be accepted anew. */
  readonly onChecked: (changedAtMs: number, reasonsOf: ReasonsOf) => void
  readonly onFailure: (error: unknown) => void
}

const RETRY_MS = 1_000

/** Asks Kong about settings that make plugins before these are written. While Kong is away they wait. */
export class SettingsCheck {
  readonly #options: SettingsCheckOptions
  #changedAtMs = Date.now()
  #reasonsOf: ReasonsOf = () => []
  #isAsking = false
  #failure: string | null = null

  constructor(options: SettingsCheckOptions) {
    this.#options = options
  }

  get isWaiting(): boolean {
    return this.#options.verdicts.isWaiting
  }

  /** Documents changed; when and why is told again once they are checked. */
  note(changedAtMs: number, reasonsOf: ReasonsOf): void {
    this.#changedAtMs = changedAtMs
    this.#reasonsOf = reasonsOf
  }

  /** Asks what there is to be asked, where Kong can be. */
  begin(): void {
    if (!this.#isAsking && this.isWaiting && this.#options.isKongUp()) void this.#ask()
  }

  /** Asks now: nothing is told where Kong cannot be asked. */
  async faultsOf(key: string, text: string): Promise<readonly string[]> {
    const { faultsOf, verdicts, isKongUp } = this.#options
    const known = faultsOf(key, text) ?? []
    if (known.length > 0 || !verdicts.isWaiting || !isKongUp()) return known
    await verdicts.ask().catch(this.#options.onFailure)
    return faultsOf(key, text) ?? []
  }

  async #ask(): Promise<void> {
    const { log, signal, verdicts, onChecked, onFailure } = this.#options
    this.#isAsking = true
    let isNew = false
    try {
      isNew = await verdicts.ask()
      this.#failure = null
    } catch (error) {
      const { message } = error as Error
      if (message !== this.#failure)
        log.warn('Kong does not say whether settings are good: they wait', { reason: message })
      this.#failure = message
      onFailure(error)
      await delay(RETRY_MS, undefined, { signal, ref: false }).catch(() => {})
    }
    this.#isAsking = false
    if (signal.aborted) return
    if (isNew) onChecked(this.#changedAtMs, this.#reasonsOf)
    else this.begin()
  }
}
