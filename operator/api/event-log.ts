import type { MeshEvent } from './mesh-events.ts'

/** An event as it goes over the wire (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export interface SentEvent {
  readonly id: number
  readonly text: string
}

const MOST_KEPT = 1_000
/** A first sync tells of whole entities; a thousand usual events are a fifth of this. */
const MOST_KEPT_CHARACTERS = 2_000_000

/** The last events, for those that come back and ask for what they missed, and those who listen. */
export class EventLog {
  readonly #listeners = new Set<(event: SentEvent) => void>()
  readonly #kept: SentEvent[] = []
  #keptCharacters = 0
  #nextId: number

  /** @param firstId ids count up from here: higher than those before a restart */
  constructor(firstId: number) {
    this.#nextId = firstId
  }

  add({ kind, data }: MeshEvent): void {
    const id = this.#nextId++
    // JSON has no line break in it.
    const event = { id, text: `id: ${id}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n` }
    this.#kept.push(event)
    this.#keptCharacters += event.text.length
    while (this.#kept.length > MOST_KEPT || this.#keptCharacters > MOST_KEPT_CHARACTERS)
      this.#keptCharacters -= this.#kept.shift()!.text.length
    for (const tell of this.#listeners) tell(event)
  }

  /** Those after this id that are still known. */
  since(id: number): readonly SentEvent[] {
    return this.#kept.filter((each) => each.id > id)
  }

  /** @returns ends it */
  listen(tell: (event: SentEvent) => void): () => void {
    this.#listeners.add(tell)
    return () => this.#listeners.delete(tell)
  }

  get listeners(): number {
    return this.#listeners.size
  }
}
