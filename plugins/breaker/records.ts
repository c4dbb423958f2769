import { RingPages } from './ring-pages.ts'
import type { WindowShape } from './settings.ts'
import type { Shares } from './shares.ts'
import { createWindow, type Window } from './window.ts'

/** A circuit that may hold a window. */
export interface Recorded {
  window: Window | null
  /** Whose the calls in its window are. */
  shares?: Shares | null
  /** Last time it was asked or told anything. */
  readonly seenSeconds: number
  /** Whether nothing would be lost that still has a deadline ahead. */
  isDispensable(nowMs: number): boolean
  /** Becomes as new; its window is taken away afterwards. */
  forget(nowMs: number): void
}

/**
 * Bounds what circuits remember: at most `most` windows. When there are that many, those that were idle longest are
 * forgotten, a sixteenth at a time so that the search is paid for by many. Openings and ejections that still run are
 * never among them.
 */
export class Records {
  readonly #most: number
  readonly pages = new RingPages()
  readonly #held = new Set<Recorded>()
  /** How often there was no room for a circuit: it stays closed and counts nothing. */
  refused = 0
  forgotten = 0

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#held.size
  }

  /** The circuit's window, made when it has none; null where there is no room. */
  claim(owner: Recorded, shape: WindowShape, nowMs: number): Window | null {
    if (owner.window !== null) return owner.window
    if (this.#held.size >= this.#most && !this.#makeRoom(nowMs)) {
      this.refused += 1
      return null
    }
    owner.window = createWindow(shape, this.pages)
    this.#held.add(owner)
    return owner.window
  }

  drop(owner: Recorded): void {
    owner.shares?.release(this.pages)
    if (owner.shares) owner.shares = null
    owner.window?.release(this.pages)
    owner.window = null
    this.#held.delete(owner)
  }

  #makeRoom(nowMs: number): boolean {
    const idle = [...this.#held].filter((each) => each.isDispensable(nowMs))
    idle.sort((left, right) => left.seenSeconds - right.seenSeconds)
    const enough = Math.max(1, Math.floor(this.#most / 16))
    for (const each of idle.slice(0, enough)) {
      this.#held.delete(each) // first: what forget() tells others must not find it here
      each.forget(nowMs)
      this.drop(each)
      this.forgotten += 1
    }
    return idle.length > 0
  }
}
