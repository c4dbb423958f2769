import type { Logger } from '../telemetry/logger.ts'
import type { FirstSync } from './first-sync.ts'

/** How far the first sync is, and when all was last in step. */
export class SyncProgress {
  readonly #log: Logger
  #first: { readonly total: number; readonly sinceMs: number } | null = null
  #hasSynced = false
  #lastMs: number | null = null

  constructor(log: Logger) {
    this.#log = log
  }

  /** True once everything Consul said at the start is in Kong (or was tried). */
  get hasSynced(): boolean {
    return this.#hasSynced
  }

  /** Epoch ms; null before the first sync is over. */
  get lastMs(): number | null {
    return this.#lastMs
  }

  /** @param total services that differ */
  begin(total: number): void {
    this.#first = { total, sinceMs: performance.now() }
  }

  /** How far the first sync is; null before it begins and once it is over. */
  firstSync(waiting: number): FirstSync | null {
    if (this.#first === null || this.#hasSynced) return null
    const { total, sinceMs } = this.#first
    return { done: Math.max(0, total - waiting), total, tookMs: performance.now() - sinceMs }
  }

  /** Nothing is left to do. */
  synced(nowMs: number): void {
    if (!this.#hasSynced && this.#first !== null) {
      const seconds = Math.round((performance.now() - this.#first.sinceMs) / 100) / 10
      this.#log.info('first sync done', { services: this.#first.total, seconds })
    }
    this.#hasSynced = true
    this.#lastMs = nowMs
  }
}
