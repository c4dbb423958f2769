import type { EventRun } from './event-run.ts'

/** Why an event was dropped: nobody stepped it for long, or there were too many. */
export type DropReason = 'expired' | 'evicted'

const SLOTS = 1_024

/**
 * The events that Kong may still step, on whatever connection. Not a Map: one that thousands of entries a second come to
 * and leave renews its table all the time, and V8 chains each old table to the new one, so that they and every event in
 * them reach the old generation together (0.7 KB an event, a tenth of the time). Here ids choose a slot, the events
 * of one slot are linked, and one that leaves is linked to nothing.
 */
export class EventTable {
  readonly #slots: (EventRun | null)[] = new Array(SLOTS).fill(null)
  readonly #maxOpen: number
  readonly #onDrop: (run: EventRun, reason: DropReason) => void
  #size = 0
  /** No event that is here has an id before this one. */
  #oldestId = 0

  constructor(maxOpen: number, onDrop: (run: EventRun, reason: DropReason) => void) {
    this.#maxOpen = maxOpen
    this.#onDrop = onDrop
  }

  get size(): number {
    return this.#size
  }

  get(id: unknown): EventRun | undefined {
    if (typeof id !== 'number') return undefined
    let run = this.#slots[id & (SLOTS - 1)] ?? null
    while (run !== null && run.id !== id) run = run.nextInSlot
    return run ?? undefined
  }

  /**
   * Adds `run`; the oldest goes where there are too many, so that abandoned events cannot fill the memory. Ids count up
   * from one to the next, and from 2^32 - 1 to 0.
   */
  add(run: EventRun): void {
    if (this.#size === 0) this.#oldestId = run.id
    else if (this.#size >= this.#maxOpen) this.#drop(this.#oldest(), 'evicted')
    const slot = run.id & (SLOTS - 1)
    run.nextInSlot = this.#slots[slot]!
    this.#slots[slot] = run
    this.#size++
  }

  remove(run: EventRun): void {
    const slot = run.id & (SLOTS - 1)
    let before: EventRun | null = null
    let at = this.#slots[slot] ?? null
    while (at !== run) {
      if (at === null) return
      before = at
      at = at.nextInSlot
    }
    if (before === null) this.#slots[slot] = run.nextInSlot
    else before.nextInSlot = run.nextInSlot
    run.nextInSlot = null
    this.#size--
  }

  /** Drops what Kong has not asked about for `ttlMs`: a client went away between two steps, or a worker of Kong. */
  expire(now: number, ttlMs: number): void {
    for (const run of this.#all()) if (now - run.askedAt > ttlMs) this.#drop(run, 'expired')
  }

  countByPlugin(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { plugin } of this.#all()) counts.set(plugin, (counts.get(plugin) ?? 0) + 1)
    return counts
  }

  #oldest(): EventRun {
    for (;;) {
      const run = this.get(this.#oldestId)
      if (run) return run
      this.#oldestId = (this.#oldestId + 1) >>> 0
    }
  }

  #all(): EventRun[] {
    const all: EventRun[] = []
    if (this.#size === 0) return all
    for (const first of this.#slots) for (let run = first; run !== null; run = run.nextInSlot) all.push(run)
    return all
  }

  #drop(run: EventRun, reason: DropReason): void {
    this.remove(run)
    run.abandon()
    this.#onDrop(run, reason)
  }
}
