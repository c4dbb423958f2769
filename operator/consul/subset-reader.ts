// Who is in which subset, by Consul's own filter: read again when the service or the filter changed.
import type { ConfigEntries } from '../core/policy/config-entries.ts'
import { memberKey, type SubsetMembers } from '../core/policy/subset-members.ts'
import { type ConsulError, consulError } from './consul-error.ts'
import type { ConsulReader } from './consul-reader.ts'
import { inParallel } from './in-parallel.ts'

interface Wanted {
  readonly service: string
  readonly filter: string
  /** Names of the subsets that have this filter. */
  readonly subsets: readonly string[]
}

export interface SubsetFailure {
  readonly service: string
  /** Names of the subsets that have the filter which Consul did not answer for. */
  readonly subsets: readonly string[]
  readonly error: ConsulError
}

const PARALLEL = 4

export class SubsetReader {
  readonly #reader: ConsulReader
  readonly #signal: AbortSignal
  readonly #known = new Map<string, ReadonlySet<string>>()
  /** Who was in a subset by the last filter that Consul could evaluate. */
  readonly #bySubset = new Map<string, ReadonlySet<string>>()
  readonly #failures = new Map<string, SubsetFailure>()
  #members: SubsetMembers = NOBODY

  constructor(reader: ConsulReader, signal: AbortSignal) {
    this.#reader = reader
    this.#signal = signal
  }

  /** Another object when it answers anything else. */
  get members(): SubsetMembers {
    return this.#members
  }

  /** Why subsets are not known anew. What was read of them last stands. */
  get failures(): readonly SubsetFailure[] {
    return [...this.#failures.values()]
  }

  /** Is there anything to ask Consul for? */
  isDue(entries: ConfigEntries, changed: ReadonlySet<string>): boolean {
    const wanted = wantedBy(entries)
    const keys = new Set(wanted.map(keyOf))
    return (
      wanted.some((each) => changed.has(each.service) || !this.#known.has(keyOf(each))) ||
      [...this.#known.keys(), ...this.#failures.keys()].some((key) => !keys.has(key))
    )
  }

  /** @param changed services that are not as they were */
  async read(entries: ConfigEntries, changed: ReadonlySet<string>): Promise<void> {
    const wanted = wantedBy(entries)
    const keys = new Set(wanted.map(keyOf))
    let isChanged = false
    for (const key of this.#known.keys()) {
      if (!keys.has(key)) isChanged = this.#known.delete(key) || isChanged
    }
    for (const key of this.#failures.keys()) if (!keys.has(key)) this.#failures.delete(key)
    const stale = wanted.filter((each) => changed.has(each.service) || !this.#known.has(keyOf(each)))
    await inParallel(stale, PARALLEL, async (each) => {
      const key = keyOf(each)
      try {
        const { body } = await this.#reader.filtered(each.service, each.filter, {
          stale: false,
          signal: this.#signal,
        })
        this.#failures.delete(key)
        const found = new Set(body.map(({ Node, Service }) => memberKey({ node: Node.Node, id: Service.ID })))
        if (isSameSet(this.#known.get(key), found)) return
        // A token that may not see the service any more gets an empty list too.
        if (found.size === 0 && this.#known.has(key) && !(await this.#isVisible(each.service))) return
        this.#known.set(key, found)
        isChanged = true
      } catch (error) {
        const { service, subsets } = each
        this.#failures.set(key, { service, subsets, error: consulError('health.service', error) })
        // A filter that Consul cannot evaluate leaves a subset as it was: it takes nobody out that serves.
        const before = this.#lastOf(each)
        if (this.#known.has(key) || before === undefined) return
        this.#known.set(key, before)
        isChanged = true
      }
    })
    this.#remember(wanted)
    if (!isChanged) return
    const now = new Map(this.#known)
    this.#members = { of: (service, filter) => now.get(keyOf({ service, filter })) }
  }

  #lastOf({ service, subsets }: Wanted): ReadonlySet<string> | undefined {
    return subsets
      .map((subset) => this.#bySubset.get(`${service}\u0000${subset}`))
      .find((each) => each !== undefined)
  }

  #remember(wanted: readonly Wanted[]): void {
    this.#bySubset.clear()
    for (const each of wanted) {
      const members = this.#known.get(keyOf(each))
      if (members === undefined) continue
      for (const subset of each.subsets) this.#bySubset.set(`${each.service}\u0000${subset}`, members)
    }
  }

  async #isVisible(service: string): Promise<boolean> {
    const { body } = await this.#reader.service(service, { stale: false, signal: this.#signal })
    return body.length > 0
  }
}

const NOBODY: SubsetMembers = { of: () => undefined }

function wantedBy({ resolvers }: ConfigEntries): readonly Wanted[] {
  const all = new Map<string, Wanted>()
  for (const [service, { Subsets }] of resolvers) {
    for (const [subset, { Filter: filter = '' }] of Object.entries(Subsets ?? {})) {
      if (filter === '') continue
      const key = keyOf({ service, filter })
      all.set(key, { service, filter, subsets: [...(all.get(key)?.subsets ?? []), subset] })
    }
  }
  return [...all.values()]
}

const keyOf = ({ service, filter }: Pick<Wanted, 'service' | 'filter'>): string => `${service}\u0000${filter}`

const isSameSet = (one: ReadonlySet<string> | undefined, other: ReadonlySet<string>): boolean =>
  one !== undefined && one.size === other.size && [...one].every((each) => other.has(each))
