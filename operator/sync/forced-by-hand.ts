import type { Entity } from '../core/entity.ts'
import type { NodeCircuits } from './circuit-book.ts'

const BREAKER = 'mesh-circuit-breaker'

export interface ForcedByHandOptions {
  /** Service by the id of its service in Kong; undefined: not ours. */
  readonly serviceOf: (serviceId: string) => string | undefined
  /** What is known to be in Kong of a service. */
  readonly entitiesOf: (service: string) => Iterable<Entity>
  /** Reads one entity from Kong; null: it is gone. */
  readonly read: (entity: Entity) => Promise<Entity | null>
  /** Told of a breaker that Kong holds forced open. */
  readonly found: (entity: Entity, service: string) => void
}

/**
 * Somebody forces a breaker open on the plugin in Kong: the process that decides learns it with the next request, and the
 * operator when it reads Kong again, minutes later. So where a process tells of a circuit forced open, and nothing known
 * here has it so, that one plugin is read at once. It may also have been let go since: then it stays as it was known.
 */
export class ForcedByHand {
  readonly #options: ForcedByHandOptions
  /** Since when the circuits are forced open that were looked at, by process and service. */
  readonly #looked = new Map<string, number | null>()
  readonly #looking = new Set<string>()

  constructor(options: ForcedByHandOptions) {
    this.#options = options
  }

  /** A process has told of its circuits. */
  note({ node, circuits }: Pick<NodeCircuits, 'node' | 'circuits'>): void {
    for (const { circuit, state, since } of circuits) {
      if (circuit.kind !== 'service' || state !== 'forced_open') continue
      const key = `${node} ${circuit.serviceId}`
      const service = this.#options.serviceOf(circuit.serviceId)
      if (service === undefined || this.#looked.get(key) === since || this.isForced(service)) continue
      this.#looked.set(key, since)
      void this.#look(service).catch(() => this.#looked.delete(key)) // Kong is away: again when it is told again
    }
  }

  /** Does Kong hold the breaker of a service forced open, or is that being looked at? */
  isForced(service: string): boolean {
    return this.#looking.has(service) || isForcedOpen(this.#breakerOf(service))
  }

  async #look(service: string): Promise<void> {
    const known = this.#breakerOf(service)
    if (known === undefined) return
    this.#looking.add(service)
    try {
      const actual = await this.#options.read(known)
      if (actual !== null && isForcedOpen(actual)) this.#options.found(actual, service)
    } finally {
      this.#looking.delete(service)
    }
  }

  #breakerOf(service: string): Entity | undefined {
    for (const entity of this.#options.entitiesOf(service)) {
      if (entity.kind === 'plugin' && entity.name === BREAKER && entity.owner === service) return entity
    }
    return undefined
  }
}

const isForcedOpen = (breaker: Entity | undefined): boolean =>
  breaker?.fields['config.mode'] === 'forced_open'
