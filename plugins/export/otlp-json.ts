// Spans in the JSON form of OTLP 1.x: ids in hex, 64-bit times as text.
// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
import type { Attributes, Span } from '../spans/span.ts'
import type { Encoded } from './encoded.ts'

export interface OtlpSource {
  /** Of the resource; `service.name` at least. */
  readonly resource: Attributes
  /** Version of kongsul. */
  readonly version: string
}

/** Body of an ExportTraceServiceRequest. */
export function otlpJson(spans: readonly Span[], { resource, version }: OtlpSource): string {
  const scopeSpans = [{ scope: { name: 'kongsul', version }, spans: spans.map(otlpSpan) }]
  return JSON.stringify({ resourceSpans: [{ resource: { attributes: keyValues(resource) }, scopeSpans }] })
}

/** What an exporter of our own spans makes of a batch. */
export const asJson =
  (source: OtlpSource) =>
  (spans: readonly Span[]): readonly Encoded[] => [
    { body: otlpJson(spans, source), contentType: 'application/json', spans: spans.length },
  ]

/** How many spans of a request that was taken were not; 0 where the answer does not say. */
export function rejectedSpans(answer: string): { readonly count: number; readonly message: string } {
  try {
    const { partialSuccess } = JSON.parse(answer) as { partialSuccess?: Record<string, unknown> }
    const count = Number(partialSuccess?.['rejectedSpans'] ?? 0)
    return {
      count: Number.isSafeInteger(count) && count > 0 ? count : 0,
      message: String(partialSuccess?.['errorMessage'] ?? ''),
    }
  } catch {
    return { count: 0, message: '' } // an empty body, or protobuf: taken as a whole
  }
}

const KINDS = { server: 2, client: 3 } as const
const STATUS_ERROR = 2
/** Span flags: bit 0 is W3C's sampled, bit 8 says that bit 9 (the parent is remote) means something. */
const HAS_IS_REMOTE = 0x100
const IS_REMOTE = 0x200

function otlpSpan(span: Span): object {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === null ? {} : { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: KINDS[span.kind],
    startTimeUnixNano: unixNano(span.startMs),
    endTimeUnixNano: unixNano(span.endMs),
    attributes: keyValues(span.attributes),
    status: span.isError ? { code: STATUS_ERROR } : {},
    flags: (span.sampled ? 1 : 0) | HAS_IS_REMOTE | (span.isParentRemote ? IS_REMOTE : 0),
  }
}

const unixNano = (ms: number): string => `${Math.round(ms)}000000`

function keyValues(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }))
}

function anyValue(value: string | number): object {
  if (typeof value === 'string') return { stringValue: value }
  return Number.isInteger(value) ? { intValue: value } : { doubleValue: value }
}
