import type { Transition } from '../breaker/transition.ts'

export interface LastChange {
  /** Epoch ms. */
  readonly sinceMs: number
  readonly reason: string
}

/** Far more than change in practice; forgotten all at once. */
const MOST = 50_000

/** When each circuit changed last, and why. One that never did is not there. */
export class CircuitHistory {
  readonly #last = new Map<string, LastChange>()
  readonly transitions = new Map<string, number>()

  note({ key, instance, from, to, reason, wouldBe }: Transition, wallMs: number): void {
    const what = `${instance === null ? 'service' : 'instance'} ${wouldBe ? `would_be_${to}` : to}`
    this.transitions.set(what, (this.transitions.get(what) ?? 0) + 1)
    if (wouldBe || from === to) return
    if (this.#last.size >= MOST) this.#last.clear()
    this.#last.set(placeOf(key, instance), { sinceMs: wallMs, reason })
  }

  of(key: string, instance: string | null): LastChange | undefined {
    return this.#last.get(placeOf(key, instance))
  }
}

const placeOf = (key: string, instance: string | null): string => `${key} ${instance ?? ''}`
