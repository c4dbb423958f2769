/** What a circuit looks back on. The clock is an argument; a clock that steps back changes nothing. */

import { CallWindow } from './call-window.ts'
import type { RingPages } from './ring-pages.ts'
import type { WindowShape } from './settings.ts'
import { TimeWindow } from './time-window.ts'

export interface Window {
  /** Running totals; true of the moment of the last `record` or `advance`. */
  readonly calls: number
  readonly failed: number
  readonly slow: number
  /** Failures without an answer; counted for instances alone. */
  readonly unanswered: number
  record(nowMs: number, sample: number): void
  /** Lets go what is older than the window. */
  advance(nowMs: number): void
  clear(): void
  /**
   * A window for some of the calls that are recorded here. What leaves here leaves there at the same moment, as long as
   * each of them is recorded here first.
   */
  part(pages: RingPages): Window
  /** Gives its memory back; it must not be used again. */
  release(pages: RingPages): void
}

export const createWindow = (shape: WindowShape, pages: RingPages): Window =>
  shape.calls > 0 ? new CallWindow(shape.calls) : new TimeWindow(shape, pages)
