import { type ConsulError, consulError } from './consul-error.ts'
import type { ConsulReader } from './consul-reader.ts'
import { InstanceCount } from './instance-count.ts'
import { type ListedRows, listedRows } from './listed-rows.ts'
import { QuietIndex } from './quiet-index.ts'
import { readListing } from './read-listing.ts'
import { type ServiceEntry, servicesThatDiffer } from './service-table.ts'
import { type Suspicion, suspicionAfter, suspicionAfterListing } from './suspicion.ts'
import { fullBudget, RESERVE_MS, spend, waitMsFor } from './sweep-budget.ts'

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
  /** A listing is there. Resolves when all answers that may be older have been taken over. */
  readonly olderAnswers: () => Promise<void>
  /**
   * Services to read, with the index the read must have reached, when Consul told of it, in epoch ms, and what the
   * search has shown of them already.
   */
  readonly found: (services: ReadonlyMap<string, bigint>, sinceMs: number, listed: ListedRows | null) => void
  /** No listing can be had: every service has to be read. */
  readonly impossible: () => void
  readonly failed: (error: ConsulError) => void
  readonly searched: (search: Search) => void
}

export interface Search {
  readonly how: 'count' | 'list'
  /** Services that are read because of it. */
  readonly found: number
  readonly tookMs: number
}

/** How long the other watch may take to name what the index of the services already shows. */
const GRACE_MS = 4
/**
 * The newest index is explained but others between are not: most often somebody wrote something else to Consul, and a
 * listing finds nothing. How long it may wait follows from what the last ones found.
 */
const GAP_PATIENCE = { firstMs: 250, leastMs: 50, mostMs: 4000 }
/** After so many times its patience a gap is as urgent as anything else. */
const URGENT_AFTER = 4
/** A listing that found so many: all kinds of changes come at once, and counting only comes before the next listing. */
const SEVERAL = 3
/** After so many moves of the index what counting cannot find has waited long enough. */
const MANY_MOVES = 8
const PAYING_MS = 2000
/** How long services that were named are waited for: they explain most of what moves the index. */
const BUSY_PATIENCE_MS = 60
/** Below this a listing costs no more than a count. */
const FEW_INSTANCES = 300
/** More differing counts than this: the listing tells for sure. */
const MANY_COUNTS = 64

/**
 * Decides when the catalog has to be searched because the index of the services moved and nothing that was read
 * explains it: at once where the last index itself is unexplained, later where only indexes before it are. Searches
 * by counting instances first, and by listing them where that is not it.
 */
export class SweepSchedule {
  readonly #options: SweepOptions
  readonly #count: InstanceCount
  #suspicion: Suspicion | null = null
  #timer: NodeJS.Timeout | null = null
  #dueMs = 0
  #sweeping = false
  #again = false
  #lastEndMs = 0
  #budget = fullBudget(0)
  #gapPatienceMs = GAP_PATIENCE.firstMs
  #paidAtMs = Number.NEGATIVE_INFINITY
  /** The last count did not help. */
  #isListNext = false
  #mayDump = true
  readonly #quiet = new QuietIndex()

  constructor(options: SweepOptions) {
    this.#options = options
    this.#count = new InstanceCount(options)
  }

  /** Another watch answered with this index. */
  observe(index: bigint): void {
    this.#quiet.observe(index, performance.now())
  }

  /** The index of the services was the same as before, for a question that was sent then. */
  unmoved(sentMs: number): void {
    this.#quiet.unmoved(sentMs)
  }

  /** The index of the services moved. */
  suspect(from: bigint, to: bigint): void {
    const move = { from: this.#quiet.since(from, to), to }
    this.#suspicion = suspicionAfter(this.#suspicion, move, performance.now())
    this.#examineIn(GRACE_MS)
  }

  /** List now, whatever the indexes say. */
  demand(): void {
    void this.#sweep('list', false)
  }

  /** A listing made node by node did not have the new nodes. */
  nodesChanged(): void {
    if (this.#sweeping) this.#again = true
    else if (performance.now() - this.#lastEndMs < 2000) void this.#sweep('list', false)
  }

  /** Everything is about to be read anyway. */
  forget(): void {
    this.#suspicion = null
    this.#quiet.forget()
    this.#count.forget()
    this.#isListNext = false
    this.#mayDump = true
    this.#gapPatienceMs = GAP_PATIENCE.firstMs
    this.stop()
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** An examination that is due sooner stays due. */
  #examineIn(ms: number): void {
    const dueMs = performance.now() + ms
    if (this.#timer !== null) {
      if (this.#dueMs <= dueMs) return
      clearTimeout(this.#timer)
    }
    this.#dueMs = dueMs
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#examine()
    }, ms)
  }

  #examine(): void {
    const suspicion = this.#suspicion
    if (suspicion === null || this.#options.signal.aborted) return
    if (this.#sweeping) return
    const now = performance.now()
    const { from, to, sinceMs, uncountedSinceMs, moves, isCounted } = suspicion
    // In a mesh where something changes all the time there is always something being read.
    if (this.#options.busy() && now - uncountedSinceMs < BUSY_PATIENCE_MS) {
      this.#examineIn(GRACE_MS)
      return
    }
    const explained = this.#options.explained(from, to)
    if (BigInt(explained.size) >= to - from) {
      this.#suspicion = null
      return
    }
    const isGap = explained.has(to)
    const isPaying = now - this.#paidAtMs < PAYING_MS
    const isSecond = isCounted || this.#isListNext
    const isChurn = isPaying || moves >= MANY_MOVES
    const how = !isGap && !isSecond && !isChurn && this.#isCountWorthIt() ? 'count' : 'list'
    const waitMs = isGap ? this.#gapWaitMs(sinceMs, now) : isSecond ? 0 : waitMsFor(this.#budget, 1, now)
    if (waitMs > 0) this.#examineIn(waitMs)
    else void this.#sweep(how, isGap)
  }

  #gapWaitMs(sinceMs: number, now: number): number {
    const isPaying = now - this.#paidAtMs < PAYING_MS
    const isUrgent = isPaying || now - sinceMs > URGENT_AFTER * this.#gapPatienceMs
    const patientMs = sinceMs + this.#gapPatienceMs - now
    return Math.max(patientMs, waitMsFor(this.#budget, isUrgent ? 1 : RESERVE_MS, now))
  }

  #isCountWorthIt(): boolean {
    if (!this.#count.mayAsk) return false
    let instances = 0
    for (const entry of this.#options.table().values()) instances += entry.instances.length
    return instances > FEW_INSTANCES
  }

  async #sweep(how: 'count' | 'list', isGap: boolean): Promise<void> {
    if (this.#sweeping) {
      this.#again = true
      return
    }
    this.#sweeping = true
    const startedMs = performance.now()
    try {
      const found = how === 'count' ? await this.#countAll() : await this.#list(startedMs)
      this.#options.searched({ how, found, tookMs: performance.now() - startedMs })
      if (isGap) this.#learnPatience(found > 0)
    } catch (error) {
      if (this.#options.signal.aborted) return
      this.#failed(how, consulError('listing', error))
    } finally {
      this.#sweeping = false
      this.#lastEndMs = performance.now()
      this.#budget = spend(this.#budget, Math.max(5, this.#lastEndMs - startedMs), this.#lastEndMs)
    }
    if (this.#again) {
      this.#again = false
      await this.#sweep('list', false)
    } else if (this.#suspicion !== null) this.#examineIn(GRACE_MS)
  }

  #learnPatience(wasWorthIt: boolean): void {
    const { leastMs, mostMs } = GAP_PATIENCE
    this.#gapPatienceMs = wasWorthIt ? leastMs : Math.min(mostMs, this.#gapPatienceMs * 2)
  }

  /** @returns how many services are to be read because of it */
  async #countAll(): Promise<number> {
    const suspicion = this.#suspicion
    const sinceMs = suspicion?.uncountedSinceMs ?? performance.now()
    const counted = await this.#count.differing()
    if (counted === null) return 0
    const { differing } = counted
    const isHelpful = differing.size > 0 && differing.size <= MANY_COUNTS
    this.#isListNext = !isHelpful
    // What moved the index while it was counted is counted the next time.
    if (this.#suspicion !== null && this.#suspicion.to === suspicion?.to) {
      this.#suspicion = { ...this.#suspicion, isCounted: true }
    }
    if (!isHelpful) return 0
    this.#options.found(new Map([...differing.keys()].map((name) => [name, 0n])), epochMs(sinceMs), null)
    this.#count.rememberWhatStays(counted)
    return differing.size
  }

  /** @returns how many services are to be read because of it */
  async #list(startedMs: number): Promise<number> {
    const { reader, signal, parallel, nodes, table, found, impossible } = this.#options
    const sinceMs = this.#suspicion?.sinceMs ?? startedMs
    const listing = await readListing(reader, { nodes: nodes(), parallel, signal, mayDump: this.#mayDump })
    if (listing === null) {
      this.#suspicion = null
      impossible()
      return 0
    }
    this.#mayDump = listing.mayDump
    this.#isListNext = false
    // One that came after the comparison would bring back what the listing no longer shows.
    await this.#options.olderAnswers()
    const differing = servicesThatDiffer(table(), listing.listed)
    if (differing.size >= SEVERAL) this.#paidAtMs = performance.now()
    const { dumped, index } = listing
    found(differing, epochMs(sinceMs), dumped && listedRows(dumped, differing, index))
    this.#suspicion = suspicionAfterListing(this.#suspicion, index, startedMs)
    return differing.size
  }

  #failed(how: 'count' | 'list', failure: ConsulError): void {
    this.#options.failed(failure)
    if (failure.code !== 'CONSUL_REFUSED' && failure.code !== 'CONSUL_DENIED') return
    if (how === 'count') {
      this.#count.refused()
      return
    }
    this.#options.impossible()
    this.#suspicion = null
  }
}

const epochMs = (ms: number): number => performance.timeOrigin + ms
