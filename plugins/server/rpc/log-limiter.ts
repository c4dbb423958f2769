import type { LogFields, Logger } from '../../../operator/telemetry/logger.ts'

const MAX_KEYS = 256

/** Warns about one thing at most once in `everyMs`, and says how often it was kept back: a plugin that throws does so at every request. */
export class LogLimiter {
  readonly #log: Logger
  readonly #everyMs: number
  readonly #last = new Map<string, { at: number; suppressed: number }>()

  constructor(log: Logger, everyMs = 1_000) {
    this.#log = log
    this.#everyMs = everyMs
  }

  warn(key: string, now: number, message: string, fields: LogFields): void {
    const last = this.#last.get(key)
    if (last && now - last.at < this.#everyMs) {
      last.suppressed++
      return
    }
    if (this.#last.size >= MAX_KEYS && !last) this.#last.clear()
    this.#last.set(key, { at: now, suppressed: 0 })
    this.#log.warn(message, last?.suppressed ? { ...fields, suppressed: last.suppressed } : fields)
  }
}
