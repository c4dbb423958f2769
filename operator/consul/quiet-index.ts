import { LAST_CONTACT_LIMIT_MS } from './consul-reader.ts'

/** Another watch answered with this index at this time. */
interface Observed {
  readonly index: bigint
  readonly atMs: number
}

/** A server may lag behind the one that another watch asked, by as long as a stale answer may be old. */
const SERVER_LAG_MS = LAST_CONTACT_LIMIT_MS
const MOST_OBSERVED = 32
/** No more is kept of what is observed in this time. */
const APART_MS = 1_000

/**
 * Up to which index the services did not change, though others wrote to Consul: an index that another watch saw, when a
 * question for the services that was sent after that brought the index of before. That a change would have been told of by
 * now proves nothing: on a busy machine an answer may be late by any time.
 */
export class QuietIndex {
  #observed: readonly Observed[] = []
  #quiet = 0n

  observe(index: bigint, nowMs: number): void {
    const last = this.#observed.at(-1)
    if (last !== undefined && nowMs - last.atMs < APART_MS) return
    this.#observed = [...this.#observed.slice(1 - MOST_OBSERVED), { index, atMs: nowMs }]
  }

  /** The index of the services was still the same for a question that was sent then. */
  unmoved(sentMs: number): void {
    for (const { index, atMs } of this.#observed) {
      if (atMs < sentMs - SERVER_LAG_MS && index > this.#quiet) this.#quiet = index
    }
  }

  /** @returns where what moved the index from one to the other can begin */
  since(from: bigint, to: bigint): bigint {
    return this.#quiet > from && this.#quiet < to ? this.#quiet : from
  }

  forget(): void {
    this.#observed = []
    this.#quiet = 0n
  }
}
