/** One circuit as a plugin process tells of it. Times are epoch ms. */
export interface CircuitReport {
  readonly circuit:
    | { readonly kind: 'service'; readonly serviceId: string }
    /** `target` of a host name with the address: `instanceKey`. */
    | { readonly kind: 'instance'; readonly upstream: string; readonly target: string }
  readonly state: string
  readonly since: number | null
  readonly until: number | null
  readonly reason: string
  readonly counts: Readonly<Record<string, unknown>>
}

/** What a plugin process knows of whether Kong reaches it. */
export interface FromKong {
  /** Kong has called it since it began. */
  readonly called: boolean
  /** Requests to services of the mesh that Kong answered 500 since it called last. */
  readonly unasked: number
}

export interface NodeCircuits {
  /** Plugin process, by the node it runs on. */
  readonly node: string
  /** When it said so, by its own clock. */
  readonly atMs: number
  readonly epoch: string | number
  readonly circuits: readonly CircuitReport[]
  /** Of the process; null where it is older than telling it. */
  readonly version?: string | null
  /** Absent where it is older than telling it. */
  readonly fromKong?: FromKong | undefined
}

/** A process tells every 5 s; one that has been silent for three times that is gone. */
export const SILENT_MS = 15_000

/** What the plugin processes say of their circuits, as long as they go on saying it. */
export class CircuitBook {
  readonly #clock: () => number
  readonly #nodes = new Map<string, { readonly told: NodeCircuits; readonly heardMs: number }>()

  /** @param clock monotonic, in ms */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
  }

  /** A whole snapshot; one that was overtaken by a later one of the same process is left. */
  note(told: NodeCircuits): void {
    const known = this.#nodes.get(told.node)?.told
    if (known !== undefined && known.epoch === told.epoch && told.atMs < known.atMs) return
    this.#nodes.set(told.node, { told, heardMs: this.#clock() })
  }

  /** Sorted by node; those that are silent are left out, and forgotten. */
  nodes(): readonly NodeCircuits[] {
    const now = this.#clock()
    for (const [node, { heardMs }] of this.#nodes) {
      if (now - heardMs > SILENT_MS) this.#nodes.delete(node)
    }
    return [...this.#nodes.values()]
      .map(({ told }) => told)
      .sort((left, right) => (left.node < right.node ? -1 : 1))
  }
}
