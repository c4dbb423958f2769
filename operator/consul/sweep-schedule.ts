import { type ConsulError, consulError } from './consul-error.ts'
import type { ConsulReader } from './consul-reader.ts'
import { readListing } from './read-listing.ts'
import { countsThatDiffer, type ServiceEntry, servicesThatDiffer } from './service-table.ts'

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
  /** Services to read, with the index the read must have reached. */
  readonly found: (services: ReadonlyMap<string, bigint>) => void
  /** No listing can be had: every service has to be read. */
  readonly impossible: () => void
  readonly failed: (error: ConsulError) => void
}

interface Suspicion {
  readonly from: bigint
  readonly to: bigint
  readonly sinceMs: number
  /** Instances were counted, and it did not help. */
  readonly isCounted: boolean
}

/** How long the other watch may take to name what the index of the services already shows. */
const GRACE_MS = 4
/** The newest index is explained but others between are not: most often somebody wrote something else to Consul. */
const GAP_PATIENCE_MS = 250
const GAP_LISTING_PATIENCE_MS = 1000
/** A sweep may take this part of the time at most. */
const REST_FACTOR = 5
/** Below this a listing costs no more than a count. */
const FEW_INSTANCES = 300
/** More differing counts than this are no single change: the listing tells for sure. */
const MANY_COUNTS = 20
/** A services index that another watch has seen this long ago would have woken ours. */
const QUIET_MS = 500

/**
 * Decides when the catalog has to be searched because the index of the services moved and nothing that was read
 * explains it: at once where the last index itself is unexplained, later where only indexes before it are. Searches
 * by counting instances first, and by listing them where that is not it.
 */
export class SweepSchedule {
  readonly #options: SweepOptions
  #suspicion: Suspicion | null = null
  #timer: NodeJS.Timeout | null = null
  #sweeping = false
  #again = false
  #lastEndMs = 0
  #lastTookMs = 0
  #offsets = new Map<string, number>()
  #mayCount = true
  #observed: readonly { readonly index: bigint; readonly atMs: number }[] = []

  constructor(options: SweepOptions) {
    this.#options = options
  }

  /** Another watch answered with this index. */
  observe(index: bigint): void {
    this.#observed = [...this.#observed.slice(-31), { index, atMs: performance.now() }]
  }

  /** The index of the services moved. */
  suspect(from: bigint, to: bigint): void {
    const now = performance.now()
    let quiet = from
    for (const { index, atMs } of this.#observed) {
      if (atMs < now - QUIET_MS && index > quiet && index < to) quiet = index
    }
    const known = this.#suspicion
    this.#suspicion = { from: known?.from ?? quiet, to, sinceMs: known?.sinceMs ?? now, isCounted: false }
    this.#examineIn(GRACE_MS)
  }

  /** List now, whatever the indexes say. */
  demand(): void {
    void this.#sweep('list')
  }

  /** A listing made node by node did not have the new nodes. */
  nodesChanged(): void {
    if (this.#sweeping) this.#again = true
    else if (performance.now() - this.#lastEndMs < 2000) void this.#sweep('list')
  }

  /** Everything is about to be read anyway. */
  forget(): void {
    this.#suspicion = null
    this.#observed = []
    this.#offsets.clear()
    this.#mayCount = true
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
    const { from, to, sinceMs, isCounted } = suspicion
    const explained = this.#options.explained(from, to)
    if (BigInt(explained.size) >= to - from) {
      this.#suspicion = null
      return
    }
    const how = !isCounted && this.#isCountWorthIt() ? 'count' : 'list'
    const now = performance.now()
    const patienceMs = how === 'count' ? GAP_PATIENCE_MS : GAP_LISTING_PATIENCE_MS
    const patient = explained.has(to) ? sinceMs + patienceMs : now
    const rested = how === 'list' && isCounted ? now : this.#lastEndMs + REST_FACTOR * this.#lastTookMs
    const at = Math.max(patient, rested)
    if (at > now) this.#examineIn(at - now)
    else void this.#sweep(how)
  }

  #isCountWorthIt(): boolean {
    if (!this.#mayCount) return false
    let instances = 0
    for (const entry of this.#options.table().values()) instances += entry.instances.length
    return instances > FEW_INSTANCES
  }

  async #sweep(how: 'count' | 'list'): Promise<void> {
    if (this.#sweeping) {
      this.#again = true
      return
    }
    this.#sweeping = true
    const startedMs = performance.now()
    try {
      if (how === 'count') await this.#count()
      else await this.#list()
    } catch (error) {
      if (this.#options.signal.aborted) return
      this.#failed(how, consulError('listing', error))
    } finally {
      this.#sweeping = false
      this.#lastEndMs = performance.now()
      this.#lastTookMs = Math.max(10, this.#lastEndMs - startedMs)
    }
    if (this.#again) {
      this.#again = false
      await this.#sweep('list')
    } else if (this.#suspicion !== null) this.#examineIn(GRACE_MS)
  }

  async #count(): Promise<void> {
    const { reader, signal, table, found } = this.#options
    const { body } = await reader.summary({ signal })
    if (!Array.isArray(body)) {
      this.#mayCount = false
      return
    }
    const counts = new Map(body.map(({ Name, InstanceCount }) => [Name, InstanceCount]))
    const differing = countsThatDiffer(table(), counts, this.#offsets)
    if (this.#suspicion !== null) this.#suspicion = { ...this.#suspicion, isCounted: true }
    if (differing.size > MANY_COUNTS) return
    found(new Map([...differing.keys()].map((name) => [name, 0n])))
    this.#rememberOffsets(counts, differing)
  }

  /** What still differs once the service was read is no news the next time. */
  #rememberOffsets(counts: ReadonlyMap<string, number>, differing: ReadonlyMap<string, number>): void {
    for (const [name, difference] of differing) {
      if (difference === 0) this.#offsets.delete(name)
    }
    setTimeout(() => {
      if (this.#options.busy()) return
      for (const name of differing.keys()) {
        const known = this.#options.table().get(name)?.instances.length ?? 0
        const offset = (counts.get(name) ?? 0) - known
        if (offset === 0) this.#offsets.delete(name)
        else this.#offsets.set(name, offset)
      }
    }, QUIET_MS).unref()
  }

  async #list(): Promise<void> {
    const { reader, signal, parallel, nodes, table, found, impossible } = this.#options
    const listing = await readListing(reader, { nodes: nodes(), parallel, signal })
    if (listing === null) impossible()
    else found(servicesThatDiffer(table(), listing.listed))
    if (listing === null || listing.index >= (this.#suspicion?.to ?? 0n)) this.#suspicion = null
  }

  #failed(how: 'count' | 'list', failure: ConsulError): void {
    this.#options.failed(failure)
    if (failure.code !== 'CONSUL_REFUSED' && failure.code !== 'CONSUL_DENIED') return
    if (how === 'count') {
      this.#mayCount = false
      return
    }
    this.#options.impossible()
    this.#suspicion = null
  }
}
