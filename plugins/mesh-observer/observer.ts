// Hands on what Kong's log phase tells of requests, as the feed of the access log does with its lines.
import { outcomeFromSerialize } from '../outcomes/from-serialize.ts'
import type { MeshHeaderCodec } from '../outcomes/mesh-headers.ts'
import { type Outcome, SOURCES } from '../outcomes/outcome.ts'

/** Running totals. */
export interface ObserverCounts {
  readonly outcomes: Record<Outcome['source'], number>
  /** Records that were none of a request. */
  malformed: number
  /** Records that Kong did not give. */
  lost: number
  /** Outcomes on which the receiver threw. */
  failed: number
}

/** One for each process. Never throws. */
export class Observer {
  readonly counts: ObserverCounts = {
    outcomes: Object.fromEntries(SOURCES.map((source) => [source, 0])) as ObserverCounts['outcomes'],
    malformed: 0,
    lost: 0,
    failed: 0,
  }
  readonly #codec: MeshHeaderCodec
  #receive: ((outcome: Outcome) => void) | null = null
  #onFailure: (error: unknown) => void = () => {}

  /** @param codec with the token that mesh-tracing has: only then is the span of a request known */
  constructor(codec: MeshHeaderCodec) {
    this.#codec = codec
  }

  /** From now on `receive` gets every outcome, synchronously; `onFailure` hears what it throws. */
  connect(receive: (outcome: Outcome) => void, onFailure: (error: unknown) => void): void {
    this.#receive = receive
    this.#onFailure = onFailure
  }

  /** @param record JSON text of kong.log.serialize */
  take(record: unknown): void {
    // Nobody to tell: Kong's own plugin server, which has no agent.
    if (this.#receive === null) return
    try {
      const outcome = typeof record === 'string' ? outcomeFromSerialize(record, this.#codec) : null
      if (outcome === null) {
        this.counts.malformed++
        return
      }
      this.counts.outcomes[outcome.source]++
      this.#receive(outcome)
    } catch (error) {
      this.counts.failed++
      this.#onFailure(error)
    }
  }

  /** Kong did not give the record. */
  lost(): void {
    this.counts.lost++
  }
}
