// Instances behind host names. Kong resolves the names by itself, and its log tells the addresses that it asked: which
// name an address is of Kong tells as well, by GET /upstreams/{upstream}/health.

import type { HealthRow } from '../../operator/kong/health-row.ts'
import type { Outcome } from '../outcomes/outcome.ts'
import { addressesIn, areResolved } from './host-addresses.ts'
import type { AddressChanges, MeshKnowledge } from './mesh-knowledge.ts'

export interface HostTargetsOptions {
  readonly mesh: Pick<MeshKnowledge, 'hostUpstreams' | 'setAddresses' | 'stranger'>
  readonly read: (upstream: string) => Promise<readonly HealthRow[]>
  /** Names have other addresses than before. */
  readonly onChange: (changes: AddressChanges) => void
  /** An upstream could not be read; what is known of it stays. */
  readonly onFailure: (upstream: string, error: unknown) => void
  readonly signal: AbortSignal
  /** How often an upstream is read when nothing happens. */
  readonly everyMs?: number
}

/** That an address is new shows in the log; this is for those that are gone. */
const EVERY_MS = 30_000
/** At rest Kong is asked no oftener than this, however many upstreams there are. */
const SPREAD_MS = 5_000
const RETRY_MS = 2_000
/** Between two calls, also of one upstream: many changes are no burst. */
const GAP_MS = 50
/** Between two reads of one upstream for addresses that are unknown. */
const AGAIN_MS = 1_000
/** Addresses that stayed unknown; forgotten all at once. */
const MOST_STRANGERS = 1_000

/** Reads whose address is which: when names are new, when an unknown address is asked, and now and then. */
export class HostTargets {
  readonly #options: HostTargetsOptions
  /** When each upstream is read next, by performance.now(). */
  readonly #due = new Map<string, number>()
  /** Addresses that were unknown when they were asked, and until when that is no news. */
  readonly #strangers = new Map<string, number>()
  /** When each was read, and how often in a row it was not or had names without addresses. */
  readonly #reads = new Map<string, { readonly atMs: number; readonly failures: number }>()
  #wake: () => void = () => {}

  constructor(options: HostTargetsOptions) {
    this.#options = options
    options.signal.addEventListener('abort', () => this.#wake())
    void this.#follow()
  }

  /** The mesh has changed: names that are new are asked for at once. */
  meshChanged(): void {
    for (const upstream of this.#options.mesh.hostUpstreams()) if (!this.#due.has(upstream)) this.#wake()
  }

  /** An outcome: its addresses may be news. */
  note(outcome: Outcome): void {
    const found = this.#options.mesh.stranger(outcome)
    if (found === null) return
    const { upstream, address } = found
    const nowMs = performance.now()
    const key = `${upstream} ${address}`
    if ((this.#strangers.get(key) ?? 0) > nowMs) return
    if (this.#strangers.size >= MOST_STRANGERS) this.#strangers.clear()
    this.#strangers.set(key, nowMs + this.#everyMs)
    const readMs = (this.#reads.get(upstream)?.atMs ?? Number.NEGATIVE_INFINITY) + AGAIN_MS
    const dueMs = this.#due.get(upstream) ?? Number.POSITIVE_INFINITY
    this.#due.set(upstream, Math.min(dueMs, Math.max(nowMs + GAP_MS, readMs)))
    this.#wake()
  }

  get #everyMs(): number {
    return this.#options.everyMs ?? EVERY_MS
  }

  async #follow(): Promise<void> {
    const { mesh, signal } = this.#options
    while (!signal.aborted) {
      const upstreams = mesh.hostUpstreams()
      const nowMs = performance.now()
      for (const upstream of upstreams) if (!this.#due.has(upstream)) this.#due.set(upstream, nowMs)
      for (const gone of this.#reads.keys()) if (!this.#due.has(gone)) this.#reads.delete(gone)
      const [next, dueMs] = [...this.#due].sort(([, left], [, right]) => left - right)[0] ?? [null, 0]
      if (next === null || dueMs > nowMs) {
        await this.#pause(next === null ? this.#everyMs : dueMs - nowMs)
        continue
      }
      this.#due.delete(next)
      const isWhole = await this.#read(next)
      const failures = isWhole ? 0 : (this.#reads.get(next)?.failures ?? 0) + 1
      const atMs = performance.now()
      this.#reads.set(next, { atMs, failures })
      // Others are read where an address was unknown, and no more.
      if (upstreams.has(next)) {
        const everyMs = Math.max(this.#everyMs, upstreams.size * Math.min(SPREAD_MS, this.#everyMs))
        const retryMs = RETRY_MS * 2 ** Math.min(failures - 1, 10)
        this.#due.set(next, atMs + (isWhole ? everyMs : Math.min(retryMs, everyMs)))
      }
      await this.#gap()
    }
  }

  /** Whether every name has an address now. */
  async #read(upstream: string): Promise<boolean> {
    const { mesh, read, onChange, onFailure, signal } = this.#options
    try {
      const rows = await read(upstream)
      const changes = mesh.setAddresses(addressesIn(rows))
      if (changes.services.size > 0 || changes.gone.length > 0) {
        // Who was unknown may be known now, and would be news when it has gone and comes back.
        this.#strangers.clear()
        onChange(changes)
      }
      return areResolved(rows)
    } catch (error) {
      if (!signal.aborted) onFailure(upstream, error)
      return false
    }
  }

  #gap(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, GAP_MS).unref())
  }

  /** Ends early when something has changed. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref()
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
