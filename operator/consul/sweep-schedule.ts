import { type ConsulError, consulError } from './consul-error.ts'
import type { ConsulReader } from './consul-reader.ts'
import { readListing } from './read-listing.ts'
import { type ServiceEntry, servicesThatDiffer } from './service-table.ts'

export interface SweepOptions {
  readonly reader: ConsulReader
  readonly signal: AbortSignal
  readonly parallel: number
  readonly nodes: () => readonly string[]
  readonly table: () => ReadonlyMap<string, ServiceEntry>
  /** Indexes in (from, to] that what was read so far accounts for. */
  readonly explained: (from: bigint, to: bigint) => ReadonlySet<bigint>
  /** True while services that were named are still being read. */
  readonly busy: () => boolean
  readonly found: (services: ReadonlyMap<string, bigint>) => void
  /** No listing can be had: every service has to be read. */
  readonly impossible: () => void
  readonly failed: (error: ConsulError) => void
}

interface Suspicion {
  readonly from: bigint
  readonly to: bigint
  readonly sinceMs: number
}

/** How long the other watch may take to name what the index of the services already shows. */
const GRACE_MS = 4
const GRACE_PER_CHECK_MS = 0.01
const LONGEST_GRACE_MS = 40
/** The newest index is explained but others between are not: most often somebody wrote something else to Consul. */
const GAP_PATIENCE_MS = 250
/** A sweep may take this part of the time at most. */
const REST_FACTOR = 5

/**
 * Decides when the catalog has to be listed because the index of the services moved and nothing that was read
 * explains it: at once where the last index itself is unexplained, later where only indexes before it are.
 */
export class SweepSchedule {
  /** How many checks there are: the more, the longer the answer that may name the change takes. */
  checks = 0
  readonly #options: SweepOptions
  #suspicion: Suspicion | null = null
  #timer: NodeJS.Timeout | null = null
  #sweeping = false
  #again = false
  #lastEndMs = 0
  #lastTookMs = 0

  constructor(options: SweepOptions) {
    this.#options = options
  }

  /** The index of the services moved. */
  suspect(from: bigint, to: bigint): void {
    const known = this.#suspicion
    this.#suspicion = { from: known?.from ?? from, to, sinceMs: known?.sinceMs ?? performance.now() }
    this.#examineIn(Math.min(LONGEST_GRACE_MS, GRACE_MS + GRACE_PER_CHECK_MS * this.checks))
  }

  /** List now, whatever the indexes say. */
  demand(): void {
    void this.#sweep()
  }

  /** A listing made node by node did not have the new nodes. */
  nodesChanged(): void {
    if (this.#sweeping) this.#again = true
    else if (performance.now() - this.#lastEndMs < 2000) void this.#sweep()
  }

  /** Everything is about to be read anyway. */
  forget(): void {
    this.#suspicion = null
    this.stop()
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #examineIn(ms: number): void {
    if (this.#timer !== null) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#examine()
    }, ms)
  }

  #examine(): void {
    const suspicion = this.#suspicion
    if (suspicion === null || this.#options.signal.aborted) return
    if (this.#sweeping) return
    if (this.#options.busy()) {
      this.#examineIn(GRACE_MS)
      return
    }
    const { from, to, sinceMs } = suspicion
    const explained = this.#options.explained(from, to)
    if (BigInt(explained.size) >= to - from) {
      this.#suspicion = null
      return
    }
    const now = performance.now()
    const patience = explained.has(to) ? sinceMs + GAP_PATIENCE_MS : now
    const rested = this.#lastEndMs + REST_FACTOR * this.#lastTookMs
    const at = Math.max(patience, rested)
    if (at > now) this.#examineIn(at - now)
    else void this.#sweep()
  }

  async #sweep(): Promise<void> {
    if (this.#sweeping) {
      this.#again = true
      return
    }
    this.#sweeping = true
    const { reader, signal, parallel, nodes, table } = this.#options
    const startedMs = performance.now()
    try {
      const listing = await readListing(reader, { nodes: nodes(), parallel, signal })
      if (listing === null) this.#options.impossible()
      else this.#options.found(servicesThatDiffer(table(), listing.listed))
      if (listing === null || listing.index >= (this.#suspicion?.to ?? 0n)) this.#suspicion = null
    } catch (error) {
      if (signal.aborted) return
      const failure = consulError('listing', error)
      this.#options.failed(failure)
      if (failure.code === 'CONSUL_REFUSED' || failure.code === 'CONSUL_DENIED') {
        this.#options.impossible()
        this.#suspicion = null
      }
    } finally {
      this.#sweeping = false
      this.#lastEndMs = performance.now()
      this.#lastTookMs = Math.max(10, this.#lastEndMs - startedMs)
    }
    if (this.#again) {
      this.#again = false
      await this.#sweep()
    } else if (this.#suspicion !== null) this.#examineIn(GRACE_MS)
  }
}
