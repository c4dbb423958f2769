// Attributes, names and services are the same few thousand texts again and again. Each is kept once, as a term, with the
// traces that hold it: that is the index of the search as well.
import type { AttributeValue } from './otlp/span-input.ts'
import type { StoredTrace } from './stored-trace.ts'

/** What a term costs beside its text: the object, its places in the maps, the list of traces. */
const TERM_BYTES = 160

export class Term {
  readonly key: string
  readonly value: AttributeValue
  /** Spans, and resources of traces, that hold it. */
  refs = 0
  /** Traces that hold it, in order of arrival; some may be gone, and some twice. */
  traces: StoredTrace[] = []
  #tidyAt = 64

  constructor(key: string, value: AttributeValue) {
    this.key = key
    this.value = value
  }

  note(trace: StoredTrace): void {
    const { traces } = this
    if (traces[traces.length - 1] === trace) return
    traces.push(trace)
    if (traces.length < this.#tidyAt) return
    this.#tidy()
  }

  /** After a trace that held it has gone: what is kept alive must not grow with what is gone. */
  forgetGone(): void {
    if (this.traces.length > 32 && this.traces.length > 2 * this.refs) this.#tidy()
  }

  get bytes(): number {
    const text = typeof this.value === 'string' ? this.value.length : 8
    return TERM_BYTES + text + 8 * this.traces.length
  }

  #tidy(): void {
    this.traces = [...new Set(this.traces)].filter(({ isGone }) => !isGone)
    this.#tidyAt = Math.max(64, 2 * this.traces.length)
  }
}

export class TermTable {
  readonly #byKey = new Map<string, Map<AttributeValue, Term>>()
  /** Of the texts and what belongs to them, without the lists of traces. */
  bytes = 0
  size = 0

  /** The term, once more in use. */
  take(key: string, value: AttributeValue): Term {
    let values = this.#byKey.get(key)
    if (values === undefined) {
      values = new Map()
      this.#byKey.set(key, values)
      this.bytes += TERM_BYTES + key.length
    }
    let term = values.get(value)
    if (term === undefined) {
      term = new Term(key, value)
      values.set(value, term)
      this.bytes += costOf(value)
      this.size++
    }
    term.refs++
    return term
  }

  release(term: Term): void {
    term.refs--
    if (term.refs > 0) {
      term.forgetGone()
      return
    }
    const values = this.#byKey.get(term.key)!
    values.delete(term.value)
    this.bytes -= costOf(term.value)
    this.size--
    if (values.size > 0) return
    this.#byKey.delete(term.key)
    this.bytes -= TERM_BYTES + term.key.length
  }

  get(key: string, value: AttributeValue): Term | undefined {
    return this.#byKey.get(key)?.get(value)
  }

  /** Terms of this key that read so, whatever their type. */
  find(key: string, text: string): readonly Term[] {
    const values = this.#byKey.get(key)
    if (values === undefined) return []
    const readings: AttributeValue[] = [text]
    if (text.trim() !== '' && !Number.isNaN(Number(text))) readings.push(Number(text))
    if (/^-?\d{1,20}$/.test(text)) readings.push(BigInt(text))
    if (text === 'true' || text === 'false') readings.push(text === 'true')
    return readings.flatMap((value) => values.get(value) ?? [])
  }

  values(key: string): readonly AttributeValue[] {
    return [...(this.#byKey.get(key)?.keys() ?? [])]
  }

  *[Symbol.iterator](): Iterator<Term> {
    for (const values of this.#byKey.values()) yield* values.values()
  }
}

const costOf = (value: AttributeValue): number => TERM_BYTES + (typeof value === 'string' ? value.length : 8)
