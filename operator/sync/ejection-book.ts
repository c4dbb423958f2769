import type { KvWriter } from '../consul/kv-writer.ts'
import {
  changedEjections,
  type Ejection,
  type Ejections,
  ejectionKey,
  ejectionsIn,
  ejectionText,
  lastingEjections,
} from '../core/ejections.ts'
import type { KvRows } from '../core/settings-status.ts'
import type { Logger } from '../telemetry/logger.ts'

export interface EjectionBookOptions {
  readonly writer: KvWriter
  readonly log: Logger
  /** May this operator remove what has expired (the leader)? */
  readonly isActive: () => boolean
  /** How long after the deadline an ejection of the upstream is still its process's, in ms. */
  readonly graceMs: (upstream: string) => number
  /** Do all nodes of Kong share their marks, as they do with a database? */
  readonly isShared: () => boolean
  /** Ejections of these upstreams came, went or were prolonged. */
  readonly onChange: (upstreams: readonly string[]) => void
}

/** After the end of a claim: first the healer looks, then the record goes. */
const KEPT_MS = 2_000
/** Longest wait of one timer; they overflow after 24 days. */
const LONGEST_WAIT_MS = 3_600_000

/** The ejections of KV. Every operator reads and takes them, the leader removes what was left behind. */
export class EjectionBook {
  readonly #options: EjectionBookOptions
  #rows: KvRows = new Map()
  #ejections: Ejections = new Map()
  #lasting: Ejections = new Map()
  #timer: NodeJS.Timeout | null = null

  constructor(options: EjectionBookOptions) {
    this.#options = options
  }

  /** Sorted by upstream and target; without a database of one target those of several nodes. */
  list(): readonly Ejection[] {
    return [...this.#ejections].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, each]) => each)
  }

  /** Of several the one that ends last. @param target of a host name with the address (`instanceKey`) */
  get(upstream: string, target: string): Ejection | undefined {
    return this.#lasting.get(ejectionKey(upstream, target))
  }

  /** What KV holds now. */
  setRows(rows: KvRows): void {
    this.#rows = rows
    const before = this.#ejections
    this.#ejections = ejectionsIn(rows)
    this.#lasting = lastingEjections(this.#ejections)
    const changed = changedEjections(before, this.#ejections)
    if (changed.length > 0) this.#options.onChange(changed)
    this.review()
  }

  /**
   * In force here when this returns, elsewhere as soon as KV is read. Where a mark reaches every node, only one process
   * may put a target back: the one that took it out first. Nodes with marks of their own do not know of each other.
   * @returns the ejection that another process has there already; null: this one is in force
   * @throws ConsulError
   */
  async eject(ejection: Ejection): Promise<Ejection | null> {
    const { upstream, target, owner } = ejection
    const isShared = this.#options.isShared()
    const standing = this.#of(upstream, target).find(
      ([, each]) => each.owner !== owner && each.untilMs > Date.now(),
    )
    if (isShared && standing !== undefined) return standing[1]
    const key = ejectionKey(upstream, target, isShared ? null : owner)
    const text = ejectionText(ejection)
    await this.#options.writer.force(key, text)
    this.setRows(new Map(this.#rows).set(key, { text, index: this.#rows.get(key)?.index ?? 0 }))
    return null
  }

  /**
   * Ends an ejection. One that another process has taken over meanwhile stays.
   * @param owner null: whoever's it is
   * @throws ConsulError
   */
  async release(upstream: string, target: string, owner: string | null): Promise<void> {
    const known = this.#of(upstream, target)
    const ended = known.filter(([, each]) => owner === null || each.owner === owner).map(([key]) => key)
    const isShared = this.#options.isShared()
    // One that was not read yet as well.
    if (ended.length === 0 && (known.length === 0 || !isShared))
      ended.push(ejectionKey(upstream, target, isShared ? null : owner))
    for (const key of ended) await this.#options.writer.force(key, null)
    this.setRows(new Map([...this.#rows].filter(([each]) => !ended.includes(each))))
  }

  /** Removes what nobody took away; also when this operator has become the leader. */
  review(): void {
    this.stop()
    const nowMs = Date.now()
    void this.#removeStale(nowMs)
    const ends = [...this.#ejections.values()].map((each) => this.#endMs(each)).filter((ms) => ms > nowMs)
    if (ends.length === 0) return
    const waitMs = Math.min(LONGEST_WAIT_MS, Math.min(...ends) - nowMs + 1)
    this.#timer = setTimeout(() => this.review(), waitMs)
    this.#timer.unref()
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #of(upstream: string, target: string): readonly (readonly [string, Ejection])[] {
    return [...this.#ejections].filter(([, each]) => each.upstream === upstream && each.target === target)
  }

  #endMs({ upstream, untilMs }: Ejection): number {
    return untilMs + this.#options.graceMs(upstream) + KEPT_MS
  }

  async #removeStale(nowMs: number): Promise<void> {
    const { isActive, writer, log } = this.#options
    for (const [key, ejection] of this.#ejections) {
      const row = this.#rows.get(key)
      // Index 0: written here and not read back yet.
      if (!isActive() || this.#endMs(ejection) > nowMs || row === undefined || row.index === 0) continue
      try {
        await writer.write({ key, text: null, index: row.index })
        const { upstream, target, owner } = ejection
        log.info('an ejection that its process left behind was removed', { upstream, target, owner })
      } catch (error) {
        log.debug('a stale ejection stays in KV', { key, reason: String((error as Error).message) })
      }
    }
  }
}
