import { ConsulError } from '../consul/consul-error.ts'
import type { Instance } from '../core/catalog.ts'
import { discovered } from './discover.ts'

export interface DiscoverySource {
  /** What the watch has of a service; the same list while nothing changes. undefined: not in the catalog. */
  readonly watched: (service: string) => readonly Instance[] | undefined
  /** Does Consul, as far as the watch knows, not answer? */
  readonly isInDoubt: () => boolean
  /** @throws ConsulError */
  readonly read: (service: string) => Promise<readonly Instance[]>
  /** Monotonic, in ms. */
  readonly now: () => number
  readonly ttlMs: number
}

interface Entry {
  /** Of the watch when this was made. */
  readonly watched: readonly Instance[] | undefined
  /** JSON of the answer, up to what differs from one asking to the next. */
  readonly head: string
  /** When Consul said so. */
  readonly atMs: number
}

/** Names of services that nobody has cost no memory: an empty answer is not kept. */
const MOST_ENTRIES = 20_000

/**
 * Answers of `GET /discover/{service}` as JSON. A cached one is never older than the watch, whose changes replace it at
 * once, and after the TTL Consul is asked again. While Consul does not answer, what it said last is told.
 */
export class DiscoveryCache {
  readonly #source: DiscoverySource
  readonly #entries = new Map<string, Entry>()

  constructor(source: DiscoverySource) {
    this.#source = source
  }

  /** @throws ConsulError when Consul does not answer and nothing is known of the service */
  async discover(service: string, useCache: boolean): Promise<string> {
    const kept = useCache ? this.cached(service) : null
    if (kept !== null) return kept
    try {
      const instances = await this.#source.read(service)
      return answer(this.#keep(service, instances), false, 0)
    } catch (error) {
      const known = error instanceof ConsulError ? this.#lastKnown(service) : null
      if (known === null) throw error
      return this.#stale(known)
    }
  }

  /** The answer without asking Consul; null where it has to be asked. */
  cached(service: string): string | null {
    const { now, ttlMs, isInDoubt } = this.#source
    if (isInDoubt()) {
      const known = this.#lastKnown(service)
      return known === null ? null : this.#stale(known)
    }
    const entry = this.#current(service)
    const ageMs = entry === undefined ? 0 : now() - entry.atMs
    return entry === undefined || ageMs >= ttlMs ? null : answer(entry, true, ageMs)
  }

  /** A change that the watch has seen is the news: it becomes the entry. */
  #current(service: string): Entry | undefined {
    const entry = this.#entries.get(service)
    if (entry === undefined) return undefined
    const watched = this.#source.watched(service)
    return watched === entry.watched ? entry : this.#keep(service, watched ?? [])
  }

  #lastKnown(service: string): Entry | null {
    const entry = this.#current(service)
    if (entry !== undefined) return entry
    const watched = this.#source.watched(service)
    return watched === undefined ? null : this.#keep(service, watched)
  }

  #keep(service: string, instances: readonly Instance[]): Entry {
    const watched = this.#source.watched(service)
    const { instances: shown, total, healthy } = discovered(instances)
    const body = { service_name: service, instances: shown, total, healthy }
    const entry = { watched, head: JSON.stringify(body).slice(0, -1), atMs: this.#source.now() }
    this.#entries.delete(service)
    if (total === 0 && watched === undefined) return entry
    const oldest = this.#entries.size >= MOST_ENTRIES ? this.#entries.keys().next().value : undefined
    if (oldest !== undefined) this.#entries.delete(oldest)
    this.#entries.set(service, entry)
    return entry
  }

  #stale(entry: Entry): string {
    return `${answer(entry, true, this.#source.now() - entry.atMs).slice(0, -1)},"stale":true}`
  }
}

const answer = ({ head }: Entry, cached: boolean, ageMs: number): string =>
  `${head},"cached":${cached},"age_seconds":${Math.max(0, Math.round(ageMs)) / 1000}}`
