import type { InstanceCircuit } from './instance-circuit.ts'
import { type Calls, NO_CALLS, plus, rulesOfAll } from './of-all.ts'
import type { RingPages } from './ring-pages.ts'
import { FAILED } from './sample.ts'
import type { Rules } from './settings.ts'
import type { Window } from './window.ts'

const ONE_GOOD: Calls = { calls: 1, failed: 0, slow: 0 }

type Members = ReadonlyMap<string, InstanceCircuit>

/** Whose calls the window of a service circuit holds, so that one instance's failures are not taken for the service's. */
export class Shares {
  readonly #parts = new Map<InstanceCircuit, Window>()
  /** Whose failures the row of them is; null: not of one alone. */
  #row: InstanceCircuit | null = null

  /**
   * Takes a call that `whole` has just recorded.
   *
   * @param instance whose answer the client got; null: not known, or none of those that are listed
   * @param inARow failures in a row, this call among them
   */
  record(
    nowMs: number,
    whole: Window,
    sample: number,
    instance: InstanceCircuit | null,
    inARow: number,
    pages: RingPages,
  ): void {
    if (inARow === 1) this.#row = instance
    else if ((sample & FAILED) !== 0 && this.#row !== instance) this.#row = null
    if (instance === null) return
    let part = this.#parts.get(instance)
    if (part === undefined) {
      part = whole.part(pages)
      this.#parts.set(instance, part)
    }
    part.record(nowMs, sample)
  }

  /** Those of the rules in `reached` that tell of the service as a whole: see of-all.ts. */
  rulesOfAll(
    nowMs: number,
    whole: Window,
    reached: number,
    rules: Rules,
    members: Members,
    minimumGap: number,
  ): number {
    const isOut = (each: InstanceCircuit) =>
      each.isOut || each.wouldBeEjected || each.health === 'unhealthy' || isGone(each, members)
    const shares = [...this.#parts].map(([instance, part]) => {
      part.advance(nowMs)
      const { calls, failed, slow } = part
      return { calls, failed, slow, isOut: isOut(instance), isRow: instance === this.#row }
    })
    let elsewhere = NO_CALLS
    for (const member of members.values()) {
      if (isOut(member) || this.#parts.get(member)?.calls) continue
      member.window?.advance(nowMs)
      const own = member.window ?? NO_CALLS // null: nothing yet, or nothing since the windows were changed
      const isQuiet = own.calls === 0 && member.isAnswering(nowMs)
      elsewhere = plus(elsewhere, isQuiet ? ONE_GOOD : own)
    }
    return rulesOfAll(reached, rules, whole, shares, elsewhere, minimumGap)
  }

  /** Forgets instances that are not among `members` any more, when they are many. */
  tidy(members: Members, pages: RingPages): void {
    if (this.#parts.size <= 2 * members.size + 8) return
    for (const [instance, part] of this.#parts) {
      if (!isGone(instance, members)) continue
      part.release(pages)
      this.#parts.delete(instance)
    }
  }

  clear(): void {
    this.#row = null
    for (const part of this.#parts.values()) part.clear()
  }

  /** Gives its memory back; it must not be used again. */
  release(pages: RingPages): void {
    for (const part of this.#parts.values()) part.release(pages)
    this.#parts.clear()
  }
}

const isGone = (instance: InstanceCircuit, members: Members): boolean =>
  members.get(instance.key) !== instance
