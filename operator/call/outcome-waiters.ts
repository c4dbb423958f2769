import type { CountedOutcome } from '../sync/request-counter.ts'

/** Which of the requests of a trace is meant. */
export interface AwaitedOutcome {
  /** Kong's id of the request, from its answer; null where Kong does not tell. */
  readonly requestId: string | null
  readonly traceId: string
  /** Our span, which is the parent of the gateway's. */
  readonly spanId: string | null
}

type Told = Pick<CountedOutcome, 'serviceId' | 'instances' | 'requestId' | 'traceId' | 'parentSpanId'>

interface Waiter extends AwaitedOutcome {
  readonly done: (outcome: Told | null) => void
}

const MOST_KEPT = 1_000
const MOST_WAITERS = 10_000

/**
 * Outcomes by the calls that wait for them. An outcome may be here before its answer has been read, so that the last ones
 * are kept while a call is under way.
 */
export class OutcomeWaiters {
  readonly #waiters = new Set<Waiter>()
  #kept: Told[] = []
  #underWay = 0

  /** Begins to keep outcomes; what it returns ends that. */
  begin(): () => void {
    this.#underWay++
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.#underWay--
      if (this.#underWay === 0) this.#kept = []
    }
  }

  note(outcome: Told): void {
    if (this.#underWay === 0) return
    for (const waiter of this.#waiters) {
      if (!isMeant(outcome, waiter)) continue
      waiter.done(outcome)
      return
    }
    this.#kept.push(outcome)
    if (this.#kept.length > MOST_KEPT) this.#kept = this.#kept.slice(MOST_KEPT / 2)
  }

  /** The outcome; null when it does not come within `waitMs`. */
  async wait(awaited: AwaitedOutcome, waitMs: number): Promise<Told | null> {
    const known = this.#kept.find((outcome) => isMeant(outcome, awaited))
    if (known !== undefined) return known
    if (this.#waiters.size >= MOST_WAITERS) return null
    return await new Promise((resolve) => {
      const waiter: Waiter = {
        ...awaited,
        done: (outcome) => {
          clearTimeout(timer)
          this.#waiters.delete(waiter)
          resolve(outcome)
        },
      }
      const timer = setTimeout(() => waiter.done(null), waitMs)
      this.#waiters.add(waiter)
    })
  }
}

function isMeant(outcome: Told, { requestId, traceId, spanId }: AwaitedOutcome): boolean {
  if (requestId !== null && outcome.requestId !== null) return outcome.requestId === requestId
  return outcome.traceId === traceId && spanId !== null && outcome.parentSpanId === spanId
}
