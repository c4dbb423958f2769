/**
 * Rate, errors and durations of one thing: a service, an instance, an edge or the mesh. Totals since the start, for
 * Prometheus, and a window of the last minute, for people. Time is passed in.
 */

import { LatencyHistogram } from '../core/latency-histogram.ts'

/** Upper bounds of the latency buckets, in seconds. */
export const BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const

const SLOT_MS = 5_000
const SLOTS = 12
/** How far back all numbers for people look. */
export const WINDOW_MS = SLOT_MS * SLOTS

/** The last minute. Of nothing every number is 0. */
export interface RedWindow {
  readonly requests: number
  readonly failures: number
  /** Requests a second. */
  readonly rate: number
  /** Percent. */
  readonly errorRate: number
  readonly latency: LatencyHistogram
}

export const NO_REQUESTS: RedWindow = {
  requests: 0,
  failures: 0,
  rate: 0,
  errorRate: 0,
  latency: new LatencyHistogram(),
}

interface Slot {
  readonly number: number
  requests: number
  failures: number
  readonly latency: LatencyHistogram
}

export class RedSeries {
  requests = 0
  failures = 0
  sumSeconds = 0
  /** Requests by bucket, not cumulative; one more than there are bounds: what is above them all. */
  readonly buckets = new Float64Array(BUCKETS_S.length + 1)
  /** Of the last minute, oldest first; only those in which there were requests. */
  readonly #slots: Slot[] = []
  #last = 0

  /** @param nowMs monotonic */
  add(durationMs: number, isFailure: boolean, nowMs: number): void {
    const seconds = durationMs / 1_000
    this.requests++
    this.sumSeconds += seconds
    let at = 0
    while (at < BUCKETS_S.length && seconds > BUCKETS_S[at]!) at++
    this.buckets[at]!++
    const slot = this.#slotAt(nowMs)
    slot.requests++
    slot.latency.record(durationMs)
    if (!isFailure) return
    this.failures++
    slot.failures++
  }

  /** When the last request was told of, monotonic ms. */
  get lastMs(): number {
    return this.#last
  }

  /** @param sinceMs since when there can have been requests: an operator that has just started has seen less than a minute */
  window(nowMs: number, sinceMs: number): RedWindow {
    this.#forget(nowMs)
    if (this.#slots.length === 0) return NO_REQUESTS
    const latency = new LatencyHistogram()
    let requests = 0
    let failures = 0
    for (const slot of this.#slots) {
      requests += slot.requests
      failures += slot.failures
      latency.add(slot.latency)
    }
    const windowStart = (Math.floor(nowMs / SLOT_MS) - SLOTS + 1) * SLOT_MS
    const seconds = Math.max(SLOT_MS, nowMs - Math.max(windowStart, sinceMs)) / 1_000
    return { requests, failures, rate: requests / seconds, errorRate: (failures / requests) * 100, latency }
  }

  #slotAt(nowMs: number): Slot {
    this.#last = nowMs
    const number = Math.floor(nowMs / SLOT_MS)
    const newest = this.#slots.at(-1)
    if (newest !== undefined && newest.number >= number) return newest
    this.#forget(nowMs)
    const slot = { number, requests: 0, failures: 0, latency: new LatencyHistogram() }
    this.#slots.push(slot)
    return slot
  }

  #forget(nowMs: number): void {
    const oldest = Math.floor(nowMs / SLOT_MS) - SLOTS + 1
    while (this.#slots.length > 0 && this.#slots[0]!.number < oldest) this.#slots.shift()
  }
}
