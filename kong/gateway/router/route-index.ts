import type { EntryMatch, PreparedRequest, RouteEntry } from './compile-route.ts'
import { compareEntries } from './route-priority.ts'

/**
 * Entries by host, then by prefix, so that a request looks at the few that can match it. Within a bucket entries lie
 * in Kong's order; adding and removing one entry costs its own buckets only.
 */
export class RouteIndex {
  readonly #byHost = new Map<string, Bucket>()
  readonly #anyHost = new Bucket()

  add(entry: RouteEntry): void {
    for (const bucket of this.#bucketsOf(entry)) bucket.add(entry)
  }

  remove(entry: RouteEntry): void {
    for (const bucket of this.#bucketsOf(entry)) bucket.remove(entry)
    for (const host of entry.exactHosts ?? []) if (this.#byHost.get(host)?.isEmpty) this.#byHost.delete(host)
  }

  find(request: PreparedRequest): Found | null {
    const ofHost = request.hostName === undefined ? undefined : this.#byHost.get(request.hostName)
    const found = ofHost ? ofHost.find(request, null) : null
    return this.#anyHost.find(request, found)
  }

  #bucketsOf(entry: RouteEntry): Bucket[] {
    if (!entry.exactHosts) return [this.#anyHost]
    return [...new Set(entry.exactHosts)].map((host) => {
      let bucket = this.#byHost.get(host)
      if (!bucket) {
        bucket = new Bucket()
        this.#byHost.set(host, bucket)
      }
      return bucket
    })
  }
}

export interface Found {
  readonly entry: RouteEntry
  readonly match: EntryMatch
}

class Bucket {
  readonly #byPrefix = new Map<string, RouteEntry[]>()
  readonly #lengths = new Map<number, number>()
  readonly #rest: RouteEntry[] = []

  get isEmpty(): boolean {
    return this.#byPrefix.size === 0 && this.#rest.length === 0
  }

  add(entry: RouteEntry): void {
    if (!entry.prefixes) {
      insert(this.#rest, entry)
      return
    }
    for (const prefix of new Set(entry.prefixes)) {
      let list = this.#byPrefix.get(prefix)
      if (!list) {
        list = []
        this.#byPrefix.set(prefix, list)
        this.#lengths.set(prefix.length, (this.#lengths.get(prefix.length) ?? 0) + 1)
      }
      insert(list, entry)
    }
  }

  remove(entry: RouteEntry): void {
    if (!entry.prefixes) {
      take(this.#rest, entry)
      return
    }
    for (const prefix of new Set(entry.prefixes)) {
      const list = this.#byPrefix.get(prefix)
      if (!list) continue
      take(list, entry)
      if (list.length > 0) continue
      this.#byPrefix.delete(prefix)
      const count = (this.#lengths.get(prefix.length) ?? 1) - 1
      if (count === 0) this.#lengths.delete(prefix.length)
      else this.#lengths.set(prefix.length, count)
    }
  }

  /** The first match in Kong's order among this bucket's entries and `best`. */
  find(request: PreparedRequest, best: Found | null): Found | null {
    let found = firstMatch(this.#rest, request, best)
    for (const length of this.#lengths.keys()) {
      if (length > request.path.length) continue
      const list = this.#byPrefix.get(request.path.slice(0, length))
      if (list) found = firstMatch(list, request, found)
    }
    return found
  }
}

function firstMatch(list: readonly RouteEntry[], request: PreparedRequest, best: Found | null): Found | null {
  for (const entry of list) {
    if (best && compareEntries(entry, best.entry) > 0) return best
    const match = entry.test(request)
    if (match) return { entry, match }
  }
  return best
}

function insert(list: RouteEntry[], entry: RouteEntry): void {
  list.splice(positionOf(list, entry), 0, entry)
}

function take(list: RouteEntry[], entry: RouteEntry): void {
  const at = positionOf(list, entry)
  if (list[at] === entry) list.splice(at, 1)
  else {
    const found = list.indexOf(entry)
    if (found >= 0) list.splice(found, 1)
  }
}

function positionOf(list: readonly RouteEntry[], entry: RouteEntry): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareEntries(list[middle]!, entry) < 0) low = middle + 1
    else high = middle
  }
  return low
}
