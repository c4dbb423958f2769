/** Whether a request was told of before, and whether it could be told whose it was. */
export type Known = 'new' | 'unattributed' | 'attributed'

/** Of the two halves of the memory; at 8,000 requests a second both hold four seconds. */
const HALF = 16_384

/**
 * Remembers the last requests by Kong's id, so that one that both the access log and mesh-observer tell of counts once.
 * By id, not by which of the two tells of a service: each may begin, stop or lose a record at any time, and two Kongs
 * may tell the same process in different ways. Both tell within milliseconds, in either order.
 */
export class RecentRequests {
  #young = new Map<string, boolean>()
  #old: ReadonlyMap<string, boolean> = new Map()
  /** Requests that were told of again. */
  repeats = 0

  /** What was known of the request until now. An empty id is never known. */
  note(requestId: string, isAttributed: boolean): Known {
    if (requestId === '') return 'new'
    const before = this.#young.get(requestId) ?? this.#old.get(requestId)
    if (before !== undefined) this.repeats++
    if (before === undefined || (isAttributed && !before)) this.#remember(requestId, isAttributed)
    return before === undefined ? 'new' : before ? 'attributed' : 'unattributed'
  }

  #remember(requestId: string, isAttributed: boolean): void {
    if (this.#young.size >= HALF) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(requestId, isAttributed)
  }
}
