import type { KvWriter } from '../consul/kv-writer.ts'
import {
  changedPauses,
  nextEndMs,
  type Pause,
  type Pauses,
  pauseFor,
  pauseKey,
  pauseProblem,
  pausesIn,
  pauseText,
} from '../core/pause.ts'
import type { Problem } from '../core/problem.ts'
import type { KvRows } from '../core/settings-status.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'

export interface PauseBookOptions {
  readonly writer: KvWriter
  readonly log: Logger
  readonly metrics: Metrics
  /** May this operator remove what has expired from KV? */
  readonly isActive: () => boolean
  /** The services held differently now; null: maybe any. */
  readonly onChange: (services: readonly string[] | null) => void
}

/** Longest wait of one timer; they overflow after 24 days. */
const LONGEST_WAIT_MS = 3_600_000

/** The pauses of KV as they are in force, ended on time. */
export class PauseBook {
  readonly #options: PauseBookOptions
  #rows: KvRows = new Map()
  #pauses: Pauses = new Map()
  #timer: NodeJS.Timeout | null = null

  constructor(options: PauseBookOptions) {
    this.#options = options
  }

  /** Sorted by service. */
  list(): readonly Pause[] {
    return [...this.#pauses.values()].sort((left, right) => (left.service < right.service ? -1 : 1))
  }

  pauseFor(service: string): Pause | null {
    return pauseFor(this.#pauses, service)
  }

  problems(): readonly Problem[] {
    return this.list().map(pauseProblem)
  }

  /** What KV holds now. */
  setRows(rows: KvRows): void {
    this.#rows = rows
    this.#review()
  }

  /** Writes the pause to KV; in force here when this returns, elsewhere as soon as KV is read. @throws ConsulError */
  async pause(pause: Pause): Promise<void> {
    const key = pauseKey(pause.service)
    const text = pauseText(pause)
    await this.#options.writer.force(key, text)
    this.setRows(new Map(this.#rows).set(key, { text, index: this.#rows.get(key)?.index ?? 0 }))
  }

  /** @throws ConsulError */
  async resume(service: string): Promise<void> {
    const key = pauseKey(service)
    await this.#options.writer.force(key, null)
    this.setRows(new Map([...this.#rows].filter(([each]) => each !== key)))
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  #review(): void {
    const { log, metrics, onChange } = this.#options
    const before = this.#pauses
    const nowMs = Date.now()
    this.#pauses = pausesIn(this.#rows, nowMs)
    metrics.pauses.set(this.#pauses.size)
    for (const [service, pause] of this.#pauses) {
      if (before.has(service)) continue
      const { reason, by, untilMs } = pause
      const until = untilMs === null ? undefined : new Date(untilMs).toISOString()
      log.warn('paused: nothing is written to Kong', { service, code: 'PAUSED', reason, by, until })
    }
    for (const service of before.keys()) if (!this.#pauses.has(service)) log.info('resumed', { service })
    this.#wait(nowMs)
    void this.#removeExpired(nowMs)
    const changed = changedPauses(before, this.#pauses)
    if (changed === null || changed.length > 0) onChange(changed)
  }

  #wait(nowMs: number): void {
    this.stop()
    const endMs = nextEndMs(this.#pauses)
    if (endMs === null) return
    this.#timer = setTimeout(() => this.#review(), Math.min(LONGEST_WAIT_MS, endMs - nowMs + 1))
    this.#timer.unref()
  }

  /** Over whether removed or not: that KV is tidy is for people. */
  async #removeExpired(nowMs: number): Promise<void> {
    if (!this.#options.isActive()) return
    const expired = [...this.#rows].filter(
      ([key, row]) => key.startsWith(pauseKey('')) && pausesIn(new Map([[key, row]]), nowMs).size === 0,
    )
    for (const [key, { index }] of expired) {
      await this.#options.writer.write({ key, text: null, index }).catch((error: unknown) => {
        this.#options.log.debug('an expired pause stays in KV', {
          key,
          reason: String((error as Error).message),
        })
      })
    }
  }
}
