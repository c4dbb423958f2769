import type { RingPages } from './ring-pages.ts'
import { FAILED, SLOW, UNANSWERED } from './sample.ts'
import { INSTANCE_LANES, type WindowShape } from './settings.ts'
import type { Window } from './window.ts'

/**
 * Buckets of time in a ring. The first bucket starts with the first call after the window was empty, so that calls
 * within one bucket's width leave together, exactly one window later.
 */
export class TimeWindow implements Window {
  calls = 0
  failed = 0
  slow = 0
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

  /** Added up when it is asked for: few ask, and every window would hold it. */
  get unanswered(): number {
    const { buckets, lanes } = this.#shape
    if (lanes < INSTANCE_LANES) return 0
    let sum = 0
    for (let i = 0; i < buckets; i += 1) sum += this.#page[this.#offset + i * lanes + 3]!
    return sum
  }

  record(nowMs: number, sample: number): void {
    this.advance(nowMs)
    if (this.calls === 0) {
      this.#originMs = nowMs
      this.#bucket = 0
    }
    this.#add(sample)
  }

  /** The same call as the last one of `whole`, in the same bucket. */
  protected recordLike(whole: TimeWindow, sample: number): void {
    this.advanceLike(whole)
    this.#originMs = whole.#originMs
    this.#bucket = whole.#bucket
    this.#add(sample)
  }

  protected advanceLike(whole: TimeWindow): void {
    if (this.calls === 0) return
    if (this.#originMs === whole.#originMs) this.#advanceTo(whole.#bucket)
    else this.clear()
  }

  advance(nowMs: number): void {
    if (this.calls === 0) return
    // The slack keeps 15 fifteenths of a second from being less than 15 buckets.
    this.#advanceTo(Math.floor((nowMs - this.#originMs) / this.#shape.bucketMs + 1e-9))
  }

  clear(): void {
    this.#page.fill(0, this.#offset, this.#offset + this.#shape.buckets * this.#shape.lanes)
    this.calls = this.failed = this.slow = 0
  }

  part(pages: RingPages): Window {
    return new PartOfTime(this, this.#shape, pages)
  }

  release(pages: RingPages): void {
    pages.giveBack({ page: this.#page, offset: this.#offset }, this.#shape.buckets * this.#shape.lanes)
  }

  #add(sample: number): void {
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
    if ((sample & UNANSWERED) !== 0 && this.#shape.lanes === INSTANCE_LANES) page[at + 3]! += 1
  }

  #advanceTo(reached: number): void {
    const { buckets, lanes } = this.#shape
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
      page.fill(0, at, at + lanes)
    }
  }
}

/** Some of the calls of a window of time. */
class PartOfTime extends TimeWindow {
  readonly #whole: TimeWindow

  constructor(whole: TimeWindow, shape: WindowShape, pages: RingPages) {
    super(shape, pages)
    this.#whole = whole
  }

  override record(_nowMs: number, sample: number): void {
    this.recordLike(this.#whole, sample)
  }

  override advance(nowMs: number): void {
    this.#whole.advance(nowMs)
    if (this.#whole.calls === 0) this.clear()
    else this.advanceLike(this.#whole)
  }
}
