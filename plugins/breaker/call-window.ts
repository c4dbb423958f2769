import { FAILED, SLOW, UNANSWERED } from './sample.ts'
import type { Window } from './window.ts'

/** The last so many calls, whenever they were. */
export class CallWindow implements Window {
  calls = 0
  failed = 0
  slow = 0
  unanswered = 0
  /** Calls ever recorded. */
  number = 0
  readonly #samples: Uint8Array
  #next = 0

  constructor(calls: number) {
    this.#samples = new Uint8Array(calls)
  }

  /** The number of the oldest call that counts. */
  get oldest(): number {
    return this.number - this.calls + 1
  }

  record(_nowMs: number, sample: number): void {
    if (this.calls === this.#samples.length) this.#add(this.#samples[this.#next]!, -1)
    this.#samples[this.#next] = sample
    this.#next = (this.#next + 1) % this.#samples.length
    this.#add(sample, 1)
    this.number += 1
  }

  advance(): void {}

  clear(): void {
    this.calls = this.failed = this.slow = this.unanswered = 0
    this.#next = 0
  }

  part(): Window {
    return new PartOfCalls(this)
  }

  release(): void {}

  #add(sample: number, sign: 1 | -1): void {
    this.calls += sign
    if ((sample & FAILED) !== 0) this.failed += sign
    if ((sample & SLOW) !== 0) this.slow += sign
    if ((sample & UNANSWERED) !== 0) this.unanswered += sign
  }
}

/** Some of the calls of a window of calls. */
class PartOfCalls implements Window {
  readonly #whole: CallWindow
  #calls: { readonly number: number; readonly sample: number }[] = []

  constructor(whole: CallWindow) {
    this.#whole = whole
  }

  get calls(): number {
    return this.#calls.length
  }

  get failed(): number {
    return this.#count(FAILED)
  }

  get slow(): number {
    return this.#count(SLOW)
  }

  get unanswered(): number {
    return this.#count(UNANSWERED)
  }

  record(_nowMs: number, sample: number): void {
    this.#calls.push({ number: this.#whole.number, sample })
    // Now and then, so that each call is looked at a few times and not every time.
    if (this.#calls.length > 2 * this.#whole.calls + 16) this.advance()
  }

  advance(): void {
    const { oldest } = this.#whole
    if (this.#calls.length > 0 && this.#calls[0]!.number < oldest) {
      this.#calls = this.#calls.filter(({ number }) => number >= oldest)
    }
  }

  clear(): void {
    this.#calls = []
  }

  part(): Window {
    return new PartOfCalls(this.#whole)
  }

  release(): void {}

  #count(bit: number): number {
    return this.#calls.reduce((sum, { sample }) => sum + ((sample & bit) === 0 ? 0 : 1), 0)
  }
}
