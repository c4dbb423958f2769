/** What a circuit looks back on. The clock is an argument; a clock that steps back changes nothing. */

import type { RingPages } from './ring-pages.ts'
import { INSTANCE_LANES, type WindowShape } from './settings.ts'

/** Bits of a sample. */
export const FAILED = 1
export const SLOW = 2
export const UNANSWERED = 4

export interface Window {
  /** Running totals; true of the moment of the last `record` or `advance`. */
  readonly calls: number
  readonly failed: number
  readonly slow: number
  /** Failures without an answer. */
  readonly unanswered: number
  record(nowMs: number, sample: number): void
  /** Lets go what is older than the window. */
  advance(nowMs: number): void
  clear(): void
  /** Gives its memory back; it must not be used again. */
  release(pages: RingPages): void
}

export const createWindow = (shape: WindowShape, pages: RingPages): Window =>
  shape.calls > 0 ? new CallWindow(shape.calls) : new TimeWindow(shape, pages)

/**
 * Buckets of time in a ring. The first bucket starts with the first call after the window was empty, so that calls
 * within one bucket's width leave together, exactly one window later.
 */
class TimeWindow implements Window {
  calls = 0
  failed = 0
  slow = 0
  unanswered = 0
  readonly #shape: WindowShape
  readonly #page: Uint32Array
  readonly #offset: number
  #originMs = 0
  /** Number of the current bucket, counted from the origin. */
  #bucket = 0

  constructor(shape: WindowShape, pages: RingPages) {
    this.#shape = shape
    const { page, offset } = pages.take(shape.buckets * shape.lanes)
    this.#page = page
    this.#offset = offset
  }

  record(nowMs: number, sample: number): void {
    this.advance(nowMs)
    if (this.calls === 0) {
      this.#originMs = nowMs
      this.#bucket = 0
    }
    const page = this.#page
    const at = this.#offset + (this.#bucket % this.#shape.buckets) * this.#shape.lanes
    page[at]! += 1
    this.calls += 1
    if (sample === 0) return
    if ((sample & FAILED) !== 0) {
      page[at + 1]! += 1
      this.failed += 1
    }
    if ((sample & SLOW) !== 0) {
      page[at + 2]! += 1
      this.slow += 1
    }
    if ((sample & UNANSWERED) !== 0) {
      page[at + 3]! += 1
      this.unanswered += 1
    }
  }

  advance(nowMs: number): void {
    if (this.calls === 0) return
    const { buckets, bucketMs, lanes } = this.#shape
    const reached = Math.floor((nowMs - this.#originMs) / bucketMs)
    if (reached <= this.#bucket) return
    // Compared before it is used as an index: an idle gap may be any number of buckets.
    if (reached - this.#bucket >= buckets) {
      this.clear()
      return
    }
    while (this.#bucket < reached) {
      this.#bucket += 1
      const page = this.#page
      const at = this.#offset + (this.#bucket % buckets) * lanes
      this.calls -= page[at]!
      this.failed -= page[at + 1]!
      this.slow -= page[at + 2]!
      if (lanes === INSTANCE_LANES) this.unanswered -= page[at + 3]!
      page.fill(0, at, at + lanes)
    }
  }

  clear(): void {
    this.#page.fill(0, this.#offset, this.#offset + this.#shape.buckets * this.#shape.lanes)
    this.calls = this.failed = this.slow = this.unanswered = 0
  }

  release(pages: RingPages): void {
    pages.giveBack({ page: this.#page, offset: this.#offset }, this.#shape.buckets * this.#shape.lanes)
  }
}

/** The last so many calls, whenever they were. */
class CallWindow implements Window {
  calls = 0
  failed = 0
  slow = 0
  unanswered = 0
  readonly #samples: Uint8Array
  #next = 0

  constructor(calls: number) {
    this.#samples = new Uint8Array(calls)
  }

  record(_nowMs: number, sample: number): void {
    if (this.calls === this.#samples.length) this.#add(this.#samples[this.#next]!, -1)
    this.#samples[this.#next] = sample
    this.#next = (this.#next + 1) % this.#samples.length
    this.#add(sample, 1)
  }

  advance(): void {}

  clear(): void {
    this.calls = this.failed = this.slow = this.unanswered = 0
    this.#next = 0
  }

  release(): void {}

  #add(sample: number, sign: 1 | -1): void {
    this.calls += sign
    if ((sample & FAILED) !== 0) this.failed += sign
    if ((sample & SLOW) !== 0) this.slow += sign
    if ((sample & UNANSWERED) !== 0) this.unanswered += sign
  }
}
