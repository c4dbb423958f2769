import type { EventRun } from './event-run.ts'

/** Why an event was dropped: nobody stepped it for long, or there were too many. */
export type DropReason = 'expired' | 'evicted'

/** The events that Kong may still step, on whatever connection. */
export class EventTable {
  readonly #events = new Map<number, EventRun>()
  readonly #maxOpen: number
  readonly #onDrop: (run: EventRun, reason: DropReason) => void

  constructor(maxOpen: number, onDrop: (run: EventRun, reason: DropReason) => void) {
    this.#maxOpen = maxOpen
    this.#onDrop = onDrop
  }

  get size(): number {
    return this.#events.size
  }

  get(id: unknown): EventRun | undefined {
    return this.#events.get(id as number)
  }

  /** Adds `run`; the oldest goes where there are too many, so that abandoned events cannot fill the memory. */
  add(run: EventRun): void {
    if (this.#events.size >= this.#maxOpen) {
      const [oldest] = this.#events.values()
      this.#drop(oldest!, 'evicted')
    }
    this.#events.set(run.id, run)
  }

  remove(run: EventRun): void {
    this.#events.delete(run.id)
  }

  /** Drops what Kong has not asked about for `ttlMs`: a client went away between two steps, or a worker of Kong. */
  expire(now: number, ttlMs: number): void {
    for (const run of this.#events.values()) if (now - run.askedAt > ttlMs) this.#drop(run, 'expired')
  }

  countByPlugin(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { plugin } of this.#events.values()) counts.set(plugin, (counts.get(plugin) ?? 0) + 1)
    return counts
  }

  #drop(run: EventRun, reason: DropReason): void {
    this.#events.delete(run.id)
    run.abandon()
    this.#onDrop(run, reason)
  }
}
