import type { KvWriter } from '../consul/kv-writer.ts'
import {
  type Acceptance,
  acceptancesIn,
  acceptedKey,
  acceptedText,
  type Hold,
  type HoldSpan,
  holdsKey,
  holdsText,
} from '../core/hold-memory.ts'
import type { KvRows } from '../core/settings-status.ts'
import { RequestError } from '../http/request-error.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { ReleasedHolds } from './holds.ts'

export interface GuardBookOptions {
  readonly writer: KvWriter
  readonly log: Logger
  readonly mesh: string
  /** Does this operator write (the leader)? */
  readonly isActive: () => boolean
  /** What is held here; null while that is not decided yet. */
  readonly holds: () => readonly Hold[] | null
  /** Lets go what is held of a service, or of all (null). */
  readonly release: (service: string | null, why: string) => readonly ReleasedHolds[]
}

/**
 * Keeps KV true to what is held, so that the next operator goes on where this one ends, and lets go what people
 * accept. Every operator holds the same and sees an acceptance in KV, so that any of them can be asked.
 */
export class GuardBook {
  readonly #options: GuardBookOptions
  #rows: KvRows = new Map()
  /** Acceptances that were heeded, or are older than this process. */
  #heeded: ReadonlySet<string> | null = null
  #isWriting = false
  #isDue = false
  #failure: string | null = null

  constructor(options: GuardBookOptions) {
    this.#options = options
  }

  /** What KV holds now. */
  setRows(rows: KvRows): void {
    this.#rows = rows
    const acceptances = acceptancesIn(rows, this.#options.mesh)
    const known = this.#heeded
    this.#heeded = new Set([...(known ?? []), ...acceptances.map(textOf)])
    if (known !== null) for (const each of acceptances) if (!known.has(textOf(each))) this.#heed(each)
    this.review()
  }

  /**
   * Ends holds here, and through KV at the other operators.
   * @throws RequestError 404 when nothing of the service, or nothing at all, is held
   * @throws ConsulError when this operator does not lead and cannot tell the one that does
   */
  async accept(service: string | null, by: string): Promise<readonly ReleasedHolds[]> {
    const { holds, isActive, writer, log, mesh } = this.#options
    if (!(holds() ?? []).some((hold) => service === null || hold.service === service)) {
      throw new RequestError(404, service === null ? 'nothing is held' : `nothing of ${service} is held`)
    }
    const acceptance = { service, by, atMs: Date.now() }
    // Before it is written: the watch may bring it back before the answer to the write.
    this.#heeded = new Set([...(this.#heeded ?? []), textOf(acceptance)])
    try {
      const all = [...acceptancesIn(this.#rows, mesh), acceptance]
      const [key, text] = [acceptedKey(mesh), acceptedText(all)]
      await writer.force(key, text)
      this.#rows = new Map(this.#rows).set(key, { text, index: this.#rows.get(key)?.index ?? 0 })
    } catch (error) {
      if (!isActive()) {
        this.#heeded = new Set([...this.#heeded].filter((each) => each !== textOf(acceptance)))
        throw error
      }
      const { message } = error as Error
      log.warn('an accepted hold is ended here only, KV cannot be written', { reason: message })
    }
    return this.#heed(acceptance)
  }

  /** Writes what is held, if that differs from KV and this operator may. */
  review(): void {
    this.#isDue = true
    if (!this.#isWriting) void this.#write()
  }

  #heed({ service, by }: Acceptance): readonly ReleasedHolds[] {
    const why = `kongsul guard accept${service === null ? '' : ` ${service}`}${by === '' ? '' : ` by ${by}`}`
    const released = this.#options.release(service, why)
    for (const { kind, service: of, targets } of released) {
      this.#options.log.info('a hold is accepted', { code: 'HOLD_ACCEPTED', kind, service: of, targets, by })
    }
    return released
  }

  async #write(): Promise<void> {
    const { writer, log, mesh, isActive, holds } = this.#options
    this.#isWriting = true
    while (this.#isDue && isActive()) {
      this.#isDue = false
      const held = holds()
      const key = holdsKey(mesh)
      const row = this.#rows.get(key)
      const text = held === null ? row?.text : (holdsText(spansOf(held)) ?? undefined)
      if (text === row?.text) continue
      try {
        // Refused when somebody else wrote meanwhile: the watch brings that, and this is called again.
        await writer.write({ key, text: text ?? null, index: row?.index ?? 0 })
        this.#failure = null
      } catch (error) {
        const { message } = error as Error
        if (message !== this.#failure) {
          const hint = 'after a restart the wait begins anew'
          log.warn('what is held cannot be written to KV', { reason: message, hint })
        }
        this.#failure = message
        break
      }
    }
    this.#isWriting = false
  }
}

/** One for each service and kind, as long as the longest of its holds. */
function spansOf(holds: readonly Hold[]): readonly HoldSpan[] {
  const spans = new Map<string, HoldSpan>()
  for (const { kind, service, sinceMs, untilMs } of holds) {
    const known = spans.get(`${kind} ${service}`)
    if (known === undefined || known.untilMs < untilMs) {
      spans.set(`${kind} ${service}`, { kind, service, sinceMs, untilMs })
    }
  }
  return [...spans.values()]
}

const textOf = ({ service, by, atMs }: Acceptance): string => JSON.stringify([service, by, atMs])
