/**
 * Who called whom, from outcomes alone: the gateway's span of one request is the parent of the requests that the service
 * makes meanwhile and passes the trace on with. Those end first, so they wait for the outcome that names their caller.
 * Where a service makes spans of its own these are the parents, and only the trace store knows whose they are.
 */

interface Known {
  readonly service: string
  readonly atMs: number
}

interface Waiting<T> {
  readonly calls: { readonly callee: string; readonly outcome: T }[]
  readonly atMs: number
}

export interface Call<T> {
  readonly caller: string
  readonly callee: string
  readonly outcome: T
}

interface Spans {
  readonly spanId: string | null
  readonly parentSpanId: string | null
}

/** A call that outlives the request it belongs to by more than this is not told apart from one that came from outside. */
const KEEP_MS = 120_000
const MOST_KEPT = 30_000
/** Of one request; what makes more calls than that is still seen to make them. */
const MOST_CALLS = 1_000

export class CallerBook<T extends Spans> {
  /** Spans of the gateway, oldest first. */
  readonly #known = new Map<string, Known>()
  /** By the parent they wait for, oldest first. */
  readonly #waiting = new Map<string, Waiting<T>>()
  readonly #most: number

  constructor(most = MOST_KEPT) {
    this.#most = most
  }

  /**
   * @param callee service that the request was for
   * @param nowMs monotonic
   * @returns calls whose two ends are known now
   */
  note(outcome: T, callee: string, nowMs: number): readonly Call<T>[] {
    const { spanId, parentSpanId } = outcome
    const calls: Call<T>[] = []
    if (parentSpanId !== null) {
      const caller = this.#known.get(parentSpanId)?.service
      if (caller === undefined) this.#wait(parentSpanId, callee, outcome, nowMs)
      else calls.push({ caller, callee, outcome })
    }
    if (spanId === null) return calls
    this.#known.set(spanId, { service: callee, atMs: nowMs })
    for (const call of this.#waiting.get(spanId)?.calls ?? []) calls.push({ caller: callee, ...call })
    this.#waiting.delete(spanId)
    forgetOld(this.#known, nowMs, this.#most)
    return calls
  }

  /** How many are remembered. */
  get size(): number {
    return this.#known.size + this.#waiting.size
  }

  #wait(parentSpanId: string, callee: string, outcome: T, nowMs: number): void {
    const waiting = this.#waiting.get(parentSpanId) ?? { calls: [], atMs: nowMs }
    this.#waiting.set(parentSpanId, waiting)
    if (waiting.calls.length < MOST_CALLS) waiting.calls.push({ callee, outcome })
    forgetOld(this.#waiting, nowMs, this.#most)
  }
}

function forgetOld(map: Map<string, { readonly atMs: number }>, nowMs: number, most: number): void {
  for (const [key, { atMs }] of map) {
    if (map.size <= most && atMs > nowMs - KEEP_MS) return
    map.delete(key)
  }
}
