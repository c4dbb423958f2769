// Takes bodies of OTLP in: reads them, stores their spans, counts what became of each. Time is passed in.
import { decodeJson } from './otlp/decode-json.ts'
import { decodeProtobuf } from './otlp/decode-protobuf.ts'
import { type Decoded, MalformedError, type Notes, noNotes } from './otlp/span-input.ts'
import { type Added, type StoreBounds, TraceStore } from './trace-store.ts'

export type Encoding = 'json' | 'protobuf'

/** What is told to who sent a request. */
export interface Taken {
  /** Spans that are not kept, for a reason that the sender can mend. */
  readonly rejected: number
  readonly reason: string
}

export interface CollectorCounts extends Added {
  /** Spans that are none. */
  rejected: number
  readonly requests: Record<Encoding, number>
  /** Bodies that are no request. */
  malformed: number
  readonly notes: Notes
}

/** A body that was taken, for whoever hands spans on. */
export interface TakenBody {
  readonly encoding: Encoding
  readonly bytes: Buffer
  readonly spans: number
}

export class TraceCollector {
  readonly store: TraceStore
  readonly counts: CollectorCounts = {
    kept: 0,
    duplicate: 0,
    late: 0,
    overLimit: 0,
    rejected: 0,
    requests: { json: 0, protobuf: 0 },
    malformed: 0,
    notes: noNotes(),
  }
  readonly #handOn: (body: TakenBody) => void

  constructor(bounds: Partial<StoreBounds> = {}, handOn: (body: TakenBody) => void = () => {}) {
    this.store = new TraceStore(bounds)
    this.#handOn = handOn
  }

  /**
   * @param isHandedOn by another collector of ours: it goes no further
   * @throws MalformedError for a body that is no request: nothing of it is kept
   */
  take(bytes: Buffer, encoding: Encoding, nowMs: number, isHandedOn = false): Taken {
    const decoded = this.#decode(bytes, encoding)
    const added = this.store.add(decoded.spans, nowMs)
    this.#count(decoded, added)
    if (decoded.spans.length > 0 && !isHandedOn)
      this.#handOn({ encoding, bytes, spans: decoded.spans.length })
    const reason =
      decoded.reason !== '' ? decoded.reason : added.overLimit > 0 ? 'a trace has too many spans' : ''
    return { rejected: decoded.rejected + added.overLimit, reason }
  }

  #decode(bytes: Buffer, encoding: Encoding): Decoded {
    try {
      return encoding === 'protobuf' ? decodeProtobuf(bytes) : decodeJson(parsed(bytes))
    } catch (error) {
      this.counts.malformed++
      throw error
    } finally {
      this.counts.requests[encoding]++
    }
  }

  #count({ rejected, notes }: Decoded, added: Added): void {
    const { counts } = this
    for (const what of ['kept', 'duplicate', 'late', 'overLimit'] as const) counts[what] += added[what]
    counts.rejected += rejected
    for (const what of Object.keys(notes) as (keyof Notes)[]) counts.notes[what] += notes[what]
  }
}

function parsed(bytes: Buffer): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new MalformedError('the body is not UTF-8')
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new MalformedError(
      `the body is not JSON: ${(error as Error).message.split('\n')[0]?.slice(0, 200)}`,
    )
  }
}
