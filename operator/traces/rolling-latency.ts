import { LatencyHistogram } from '../core/latency-histogram.ts'

/** How long windows may be together with the one before, in minutes. */
export const KEPT_MINUTES = 60

export interface LatencyWindow {
  readonly calls: number
  readonly errors: number
  readonly latency: LatencyHistogram
}

interface Slot {
  readonly minute: number
  calls: number
  errors: number
  readonly latency: LatencyHistogram
}

/** Calls of one service, operation or edge: all since the start, and the last hour by minute. Time is passed in. */
export class RollingLatency implements LatencyWindow {
  calls = 0
  errors = 0
  readonly latency = new LatencyHistogram()
  #slots: Slot[] = []

  record(ms: number, isError: boolean, minute: number): void {
    this.calls++
    if (isError) this.errors++
    this.latency.record(ms)
    const slot = this.#slot(minute)
    if (slot === null) return
    slot.calls++
    if (isError) slot.errors++
    slot.latency.record(ms)
  }

  /** Takes back what was recorded in `minute`. */
  forget(ms: number, isError: boolean, minute: number): void {
    this.calls--
    if (isError) this.errors--
    this.latency.forget(ms)
    const slot = this.#slots.find((each) => each.minute === minute)
    if (slot === undefined) return
    slot.calls--
    if (isError) slot.errors--
    slot.latency.forget(ms)
  }

  /** From one minute up to and with another. */
  window(fromMinute: number, toMinute: number): LatencyWindow {
    const latency = new LatencyHistogram()
    let calls = 0
    let errors = 0
    for (const slot of this.#slots) {
      if (slot.minute < fromMinute || slot.minute > toMinute) continue
      calls += slot.calls
      errors += slot.errors
      latency.add(slot.latency)
    }
    return { calls, errors, latency }
  }

  /** The slot of a minute; null for one that is too long ago. */
  #slot(minute: number): Slot | null {
    const last = this.#slots.at(-1)
    if (last?.minute === minute) return last
    if (last !== undefined && minute < last.minute) {
      // A clock that was set back goes on in the last minute.
      return minute > last.minute - KEPT_MINUTES
        ? (this.#slots.find((each) => each.minute === minute) ?? last)
        : null
    }
    const slot: Slot = { minute, calls: 0, errors: 0, latency: new LatencyHistogram() }
    this.#slots = this.#slots.filter((each) => each.minute > minute - KEPT_MINUTES)
    this.#slots.push(slot)
    return slot
  }
}

export const minuteOf = (ms: number): number => Math.floor(ms / 60_000)
