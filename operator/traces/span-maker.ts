// Makes what the store keeps of a span: its texts become terms, each kept once however many spans have it.
import { calledService, isOfGateway } from './called-service.ts'
import type { FlatAttributes, ResourceInput, SpanInput } from './otlp/span-input.ts'
import { type SpanExtras, type StoredResource, StoredSpan, type StoredTrace } from './stored-trace.ts'
import { type Term, TermTable } from './terms.ts'

export interface Made {
  readonly span: StoredSpan
  /** What the span, and a resource that its trace did not have, take for themselves. */
  readonly ownBytes: number
  /** Of texts that were not there before. They are charged to the trace too, so that none takes the room of all. */
  readonly broughtBytes: number
}

const SPAN_BYTES = 320
const RESOURCE_BYTES = 80
const TERM_PLACE_BYTES = 8

export class SpanMaker {
  readonly attributes = new TermTable()
  readonly names = new TermTable()
  readonly services = new TermTable()

  /** Of all texts, by estimate. */
  get bytes(): number {
    return this.attributes.bytes + this.names.bytes + this.services.bytes
  }

  /** Not linked into its trace yet; a resource is. */
  make(input: SpanInput, trace: StoredTrace, nowMs: number): Made {
    const { kind, events, links, statusMessage } = input
    const before = this.bytes
    const known = trace.resources.length
    const resource = this.#resource(input.resource, trace)
    const resourceBytes =
      trace.resources.length > known ? RESOURCE_BYTES + TERM_PLACE_BYTES * resource.terms.length : 0
    const terms = this.#terms(input.attributes, trace)
    const name = this.#take(this.names, 'name', input.name, trace)
    const isGateway = isOfGateway(input.resource.service, input.attributes)
    const callee = calledService(kind, isGateway, input.attributes)
    const extras =
      events.length + links.length > 0 || statusMessage !== '' ? { events, links, statusMessage } : null
    const isError = input.status === 2 || terms.some(({ key, value }) => key === 'error' && value === true)
    const broughtBytes = this.bytes - before
    const span = new StoredSpan({
      id: input.spanId,
      parentId: input.parentId,
      resource,
      name,
      scope: this.#take(this.names, 'scope', input.scope, null),
      kind,
      status: input.status,
      isError,
      isGateway,
      // A span without a time began when it came; one that ends before it begins took no time.
      startUs: input.startUs === 0 ? nowMs * 1_000 : input.startUs,
      durationNs: input.startUs === 0 ? 0 : Math.max(0, input.durationNs),
      terms,
      extras,
      calls: callee === '' ? null : this.#take(this.services, 'service', callee, trace),
    })
    const ownBytes = SPAN_BYTES + TERM_PLACE_BYTES * terms.length + extrasBytes(extras) + resourceBytes
    return { span, ownBytes, broughtBytes }
  }

  /** Lets go of the terms of a trace. */
  release(trace: StoredTrace): void {
    for (const span of trace.spans) {
      for (const term of span.terms) this.attributes.release(term)
      this.names.release(span.name)
      this.names.release(span.scope)
      if (span.calls !== null) this.services.release(span.calls)
    }
    for (const { service, terms } of trace.resources) {
      this.services.release(service)
      for (const term of terms) this.attributes.release(term)
    }
  }

  #resource({ service, attributes }: ResourceInput, trace: StoredTrace): StoredResource {
    for (const known of trace.resources) {
      if (known.service.value === service && isSame(known.terms, attributes)) return known
    }
    const resource = {
      service: this.#take(this.services, 'service', service, trace),
      terms: this.#terms(attributes, trace),
    }
    trace.resources.push(resource)
    return resource
  }

  #terms(attributes: FlatAttributes, trace: StoredTrace): readonly Term[] {
    const terms = new Array<Term>(attributes.length / 2)
    for (let i = 0; i < terms.length; i++) {
      terms[i] = this.#take(this.attributes, attributes[2 * i] as string, attributes[2 * i + 1]!, trace)
    }
    return terms
  }

  #take(table: TermTable, key: string, value: FlatAttributes[number], trace: StoredTrace | null): Term {
    const term = table.take(key, value)
    if (trace !== null) term.note(trace)
    return term
  }
}

function isSame(terms: readonly Term[], attributes: FlatAttributes): boolean {
  if (terms.length * 2 !== attributes.length) return false
  return terms.every(
    ({ key, value }, i) => key === attributes[2 * i] && Object.is(value, attributes[2 * i + 1]),
  )
}

function extrasBytes(extras: SpanExtras | null): number {
  if (extras === null) return 0
  const { events, links, statusMessage } = extras
  const lists = [...events, ...links].map(({ attributes }) => attributes)
  const texts = [...events.map(({ name }) => name), ...lists.flat()]
  const chars = texts.reduce<number>((sum, text) => sum + (typeof text === 'string' ? text.length : 8), 0)
  return 64 + 120 * lists.length + 24 * texts.length + chars + statusMessage.length
}
