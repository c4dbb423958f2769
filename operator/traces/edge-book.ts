import { minuteOf, RollingLatency } from './rolling-latency.ts'

/** Calls from one service to another. */
export interface Edge {
  readonly caller: string
  readonly callee: string
  /** The gateway that stands between, where the services themselves are meant; '' where one calls the other. */
  readonly via: string
  readonly calls: RollingLatency
}

/** What a span has added to an edge, so that it can be taken back. */
export interface EdgeUse {
  readonly edge: Edge
  readonly minute: number
}

/** Beyond as many, new ones share one edge between `other` and `other`. */
const MOST_EDGES = 2_000
export const OTHER = 'other'

export class EdgeBook {
  readonly #edges = new Map<string, Edge>()

  count(names: Omit<Edge, 'calls'>, ms: number, isError: boolean, nowMs: number): EdgeUse {
    const edge = this.#edge(names)
    const minute = minuteOf(nowMs)
    edge.calls.record(ms, isError, minute)
    return { edge, minute }
  }

  takeBack({ edge, minute }: EdgeUse, ms: number, isError: boolean): void {
    edge.calls.forget(ms, isError, minute)
    if (edge.calls.calls === 0) this.#edges.delete(keyOf(edge))
  }

  /** By caller, callee and gateway. */
  list(): readonly Edge[] {
    return [...this.#edges.values()].sort((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1))
  }

  #edge(names: Omit<Edge, 'calls'>): Edge {
    const found = this.#edges.get(keyOf(names))
    if (found !== undefined) return found
    if (this.#edges.size >= MOST_EDGES && names.caller !== OTHER) {
      return this.#edge({ caller: OTHER, callee: OTHER, via: '' })
    }
    const { caller, callee, via } = names
    const edge = { caller, callee, via, calls: new RollingLatency() }
    this.#edges.set(keyOf(names), edge)
    return edge
  }
}

const keyOf = ({ caller, callee, via }: Omit<Edge, 'calls'>): string => `${caller}\0${callee}\0${via}`
