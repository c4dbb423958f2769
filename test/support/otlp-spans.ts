// Spans for tests, as OTLP's JSON has them.
import type { JsonRequest, JsonSpan, KeyValue } from './otlp-protobuf.ts'

export const traceId = (number: number): string => number.toString(16).padStart(32, '0')
export const spanId = (number: number): string => number.toString(16).padStart(16, '0')

export interface SpanGiven {
  /** Numbers stand for ids. */
  readonly trace?: number
  readonly id: number
  readonly parent?: number
  readonly service?: string
  readonly name?: string
  readonly kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  /** After BASE_MS. */
  readonly startMs?: number
  readonly ms?: number
  readonly attributes?: Readonly<Record<string, string | number | boolean>>
  readonly isError?: boolean
}

export const BASE_MS = 1_795_454_388_000
const KINDS = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 }

export function jsonSpan(given: SpanGiven): JsonSpan {
  const { trace = 1, id, parent, name = 'work', kind = 'internal', startMs = 0, ms = 10, isError } = given
  const startUs = Math.round((BASE_MS + startMs) * 1_000)
  return {
    traceId: traceId(trace),
    spanId: spanId(id),
    ...(parent === undefined ? {} : { parentSpanId: spanId(parent) }),
    name,
    kind: KINDS[kind],
    startTimeUnixNano: `${startUs}000`,
    endTimeUnixNano: `${startUs + Math.round(ms * 1_000)}000`,
    attributes: keyValues(given.attributes ?? {}),
    ...(isError ? { status: { code: 2 } } : {}),
  }
}

/** One request, with a resource for each service. */
export function jsonRequest(spans: readonly SpanGiven[]): JsonRequest {
  const services = [...new Set(spans.map(({ service = 'web' }) => service))]
  return {
    resourceSpans: services.map((service) => ({
      resource: { attributes: keyValues({ 'service.name': service }) },
      scopeSpans: [{ spans: spans.filter((span) => (span.service ?? 'web') === service).map(jsonSpan) }],
    })),
  }
}

const keyValues = (attributes: Readonly<Record<string, string | number | boolean>>): KeyValue[] =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }))

function anyValue(value: string | number | boolean): KeyValue['value'] {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  return Number.isInteger(value) ? { intValue: value } : { doubleValue: value }
}
