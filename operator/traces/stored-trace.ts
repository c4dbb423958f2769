// Spans as the store keeps them: texts are terms, the tree is made of references. The store alone changes them.
import type { EdgeUse } from './edge-book.ts'
import type { EventInput, LinkInput, SpanKind } from './otlp/span-input.ts'
import type { Term } from './terms.ts'

export interface StoredResource {
  readonly service: Term
  readonly terms: readonly Term[]
}

/** What few spans have. */
export interface SpanExtras {
  readonly events: readonly EventInput[]
  readonly links: readonly LinkInput[]
  readonly statusMessage: string
}

export class StoredSpan {
  readonly id: string
  /** '' at the beginning of a trace. */
  readonly parentId: string
  readonly resource: StoredResource
  readonly name: Term
  readonly scope: Term
  readonly kind: SpanKind
  readonly status: 0 | 1 | 2
  readonly isError: boolean
  /** Of Kong with our plugins: `calls` says whom it served, or asked. */
  readonly isGateway: boolean
  /** Microseconds since 1970. */
  readonly startUs: number
  readonly durationNs: number
  readonly terms: readonly Term[]
  readonly extras: SpanExtras | null
  /** Who is called, by name, as far as the span says; of a gateway's SERVER span the service behind it. */
  readonly calls: Term | null
  /** undefined while the parent has not arrived, or where it would close a circle. */
  parent: StoredSpan | undefined
  firstChild: StoredSpan | undefined
  nextSibling: StoredSpan | undefined
  /** What this span adds to which edge. */
  inbound: EdgeUse | null = null
  outbound: EdgeUse | null = null
  through: EdgeUse | null = null

  constructor(given: Omit<StoredSpan, MadeHere>) {
    this.id = given.id
    this.parentId = given.parentId
    this.resource = given.resource
    this.name = given.name
    this.scope = given.scope
    this.kind = given.kind
    this.status = given.status
    this.isError = given.isError
    this.isGateway = given.isGateway
    this.startUs = given.startUs
    this.durationNs = given.durationNs
    this.terms = given.terms
    this.extras = given.extras
    this.calls = given.calls
    this.parent = undefined
    this.firstChild = undefined
    this.nextSibling = undefined
  }

  get service(): string {
    return this.resource.service.value as string
  }

  get durationMs(): number {
    return this.durationNs / 1e6
  }

  get endUs(): number {
    return this.startUs + this.durationNs / 1_000
  }

  *children(): Generator<StoredSpan> {
    for (let child = this.firstChild; child !== undefined; child = child.nextSibling) yield child
  }
}

type MadeHere =
  | 'parent'
  | 'firstChild'
  | 'nextSibling'
  | 'inbound'
  | 'outbound'
  | 'through'
  | 'service'
  | 'durationMs'
  | 'endUs'
  | 'children'

/** From how many spans on a trace is looked up by a map. */
const MANY = 32

export class StoredTrace {
  readonly id: string
  /** Counts up with each trace that arrives. */
  readonly number: number
  readonly arrivedMs: number
  readonly spans: StoredSpan[] = []
  readonly resources: StoredResource[] = []
  /** Spans whose parent has not arrived. */
  orphans: StoredSpan[] = []
  errors = 0
  /** Spans that found no room. */
  dropped = 0
  /** Parents that would have closed a circle. */
  circles = 0
  /** With the texts that it brought first, by estimate. */
  bytes = 0
  /** Without them: they may be others' by now. */
  ownBytes = 0
  /** In how many services it is among the slowest. */
  slowIn = 0
  isReserved = false
  isGone = false
  /** Made when somebody asks, until the next span arrives. */
  outline: unknown = null
  #byId: Map<string, StoredSpan> | null = null

  constructor(id: string, number: number, arrivedMs: number) {
    this.id = id
    this.number = number
    this.arrivedMs = arrivedMs
  }

  /** Lets go of everything; what is left is a name. */
  clear(): void {
    this.spans.length = 0
    this.resources.length = 0
    this.orphans = []
    this.outline = null
    this.#byId = null
  }

  find(spanId: string): StoredSpan | undefined {
    if (this.#byId !== null) return this.#byId.get(spanId)
    for (const span of this.spans) if (span.id === spanId) return span
    return undefined
  }

  /** Adds a span, under its parent where that is known, and above those that wait for it. */
  link(span: StoredSpan): void {
    const parent = span.parentId === '' ? undefined : this.find(span.parentId)
    this.spans.push(span)
    if (this.#byId !== null) this.#byId.set(span.id, span)
    else if (this.spans.length > MANY) this.#byId = new Map(this.spans.map((each) => [each.id, each]))
    if (parent !== undefined) adopt(parent, span)
    if (this.orphans.length > 0) {
      const waiting = this.orphans.filter(({ parentId }) => parentId === span.id)
      if (waiting.length > 0) {
        this.orphans = this.orphans.filter(({ parentId }) => parentId !== span.id)
        for (const each of waiting) {
          if (isBelow(span, each)) this.circles++
          else adopt(span, each)
        }
      }
    }
    // Its own parent: a circle of one.
    if (span.parentId === span.id) this.circles++
    else if (span.parentId !== '' && parent === undefined) this.orphans.push(span)
    this.outline = null
  }
}

function adopt(parent: StoredSpan, child: StoredSpan): void {
  child.parent = parent
  child.nextSibling = parent.firstChild
  parent.firstChild = child
}

function isBelow(span: StoredSpan, other: StoredSpan): boolean {
  for (let each: StoredSpan | undefined = span; each !== undefined; each = each.parent) {
    if (each === other) return true
  }
  return false
}
