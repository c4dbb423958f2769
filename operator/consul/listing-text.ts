import { type Parsed, parseAlike } from './parse-alike.ts'

/** Where much changes the next listing comes sooner; at rest nothing is kept in memory for it. */
const KEPT_MS = 5_000

/**
 * Listings of the catalog. Of those that follow one another only what changed is parsed; a single one is parsed as a
 * whole, in a third of the time that it takes to note its parts.
 */
export class ListingText {
  #before: Parsed | 'unknown' | null = null
  #timer: NodeJS.Timeout | null = null

  /** @throws SyntaxError when it is no JSON */
  parse(text: Buffer): unknown {
    const before = this.#before
    this.forget()
    const parsed = before === null ? null : parseAlike(text, before === 'unknown' ? null : before)
    this.#before = parsed ?? 'unknown'
    this.#timer = setTimeout(() => this.forget(), KEPT_MS)
    this.#timer.unref()
    return parsed === null ? JSON.parse(text.toString()) : parsed.value
  }

  forget(): void {
    this.#before = null
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }
}
