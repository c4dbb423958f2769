/** What both encodings of OTLP are read into. Plain data, already within bounds. */

export type AttributeValue = string | number | boolean | bigint

/** Key, value, key, value: half the objects of a list of pairs. Lists, maps and bytes are values as JSON text. */
export type FlatAttributes = AttributeValue[]

export interface ResourceInput {
  readonly service: string
  /** Without `service.name`. */
  readonly attributes: FlatAttributes
}

export interface EventInput {
  /** Microseconds since 1970. */
  readonly timeUs: number
  readonly name: string
  readonly attributes: FlatAttributes
}

export interface LinkInput {
  readonly traceId: string
  readonly spanId: string
  readonly attributes: FlatAttributes
}

export interface SpanInput {
  readonly resource: ResourceInput
  /** `name version` of the instrumentation; '' for none. */
  scope: string
  /** 32 and 16 lower-case hex digits, not all zero. */
  readonly traceId: string
  readonly spanId: string
  /** '' at the beginning of a trace. */
  readonly parentId: string
  readonly name: string
  readonly kind: SpanKind
  /** Microseconds since 1970; 0 where the span does not say. */
  readonly startUs: number
  /** Negative where the span ends before it starts. */
  readonly durationNs: number
  readonly attributes: FlatAttributes
  readonly events: readonly EventInput[]
  readonly links: readonly LinkInput[]
  /** 0 unset, 1 ok, 2 error. */
  readonly status: 0 | 1 | 2
  readonly statusMessage: string
}

/** 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer: the numbers of OTLP. */
export type SpanKind = 0 | 1 | 2 | 3 | 4 | 5

export const KIND_NAMES = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const
export const SERVER = 2
export const CLIENT = 3
export const PRODUCER = 4
export const CONSUMER = 5

/** What became of a body. */
export interface Decoded {
  readonly spans: readonly SpanInput[]
  /** Spans that are none, by their ids or times. */
  readonly rejected: number
  /** Why the first of them was rejected; '' for none. */
  readonly reason: string
  /** What was cut to fit or was no UTF-8. */
  readonly notes: Notes
}

/** Counted while a body is read. */
export interface Notes {
  attributesDropped: number
  valuesCut: number
  eventsDropped: number
  linksDropped: number
  /** Texts that were no UTF-8; what was none is U+FFFD now. */
  notUtf8: number
}

export const noNotes = (): Notes => ({
  attributesDropped: 0,
  valuesCut: 0,
  eventsDropped: 0,
  linksDropped: 0,
  notUtf8: 0,
})

/** A body that is no request at all: 400, and nothing of it is kept. */
export class MalformedError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'MalformedError'
  }
}
