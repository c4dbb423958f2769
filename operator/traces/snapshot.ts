// Traces as lines of a file: a head, one line for each trace in order of arrival, and an end. Pure: files are elsewhere.
import type { AttributeValue, FlatAttributes, SpanInput } from './otlp/span-input.ts'
import type { StoredResource, StoredSpan, StoredTrace } from './stored-trace.ts'
import type { Term } from './terms.ts'

const FORMAT = 'kongsul-traces-1'

export const headLine = (): string => JSON.stringify({ format: FORMAT })
export const endLine = (traces: number): string => JSON.stringify({ traces })

/** Values that JSON has no form for. */
type Told = string | number | boolean | { readonly int?: string; readonly float?: string }

interface SpanLine {
  readonly resource: number
  readonly scope: string
  readonly id: string
  readonly parent: string
  readonly name: string
  readonly kind: SpanInput['kind']
  readonly start: number
  readonly ns: number
  readonly status: SpanInput['status']
  readonly message: string
  readonly attributes: readonly Told[]
  readonly events: readonly (readonly [timeUs: number, name: string, attributes: readonly Told[]])[]
  readonly links: readonly (readonly [trace: string, span: string, attributes: readonly Told[]])[]
}

interface TraceLine {
  readonly id: string
  readonly arrived: number
  readonly resources: readonly { readonly service: string; readonly attributes: readonly Told[] }[]
  readonly spans: readonly SpanLine[]
}

export function traceLine(trace: StoredTrace): string {
  const line: TraceLine = {
    id: trace.id,
    arrived: trace.arrivedMs,
    resources: trace.resources.map(({ service, terms }) => ({
      service: service.value as string,
      attributes: termsTold(terms),
    })),
    spans: trace.spans.map((span) => spanLine(span, trace.resources)),
  }
  return JSON.stringify(line)
}

function spanLine(span: StoredSpan, resources: readonly StoredResource[]): SpanLine {
  return {
    resource: resources.indexOf(span.resource),
    scope: span.scope.value as string,
    id: span.id,
    parent: span.parentId,
    name: span.name.value as string,
    kind: span.kind,
    start: span.startUs,
    ns: span.durationNs,
    status: span.status,
    message: span.extras?.statusMessage ?? '',
    attributes: termsTold(span.terms),
    events: (span.extras?.events ?? []).map((each) => [each.timeUs, each.name, each.attributes.map(told)]),
    links: (span.extras?.links ?? []).map((each) => [each.traceId, each.spanId, each.attributes.map(told)]),
  }
}

/** @throws Error for a file that is none, or that ends too early */
export function* readLines(
  lines: Iterable<string>,
): Generator<{ readonly arrivedMs: number; readonly spans: readonly SpanInput[] }> {
  let count = -1
  let isEnded = false
  for (const line of lines) {
    const value = JSON.parse(line) as Partial<TraceLine> & { format?: string; traces?: number }
    if (count < 0) {
      if (value.format !== FORMAT) throw new Error('it is no snapshot of traces of this version')
    } else if (value.traces !== undefined) {
      if (value.traces !== count) throw new Error(`it has ${count} traces in place of ${value.traces}`)
      isEnded = true
    } else yield tracesOf(value as TraceLine)
    count++
  }
  if (!isEnded) throw new Error('it ends too early')
}

function tracesOf({ id, arrived, resources, spans }: TraceLine) {
  const known = resources.map(({ service, attributes }) => ({ service, attributes: attributes.map(untold) }))
  return {
    arrivedMs: arrived,
    spans: spans.map(
      (span): SpanInput => ({
        resource: known[span.resource]!,
        scope: span.scope,
        traceId: id,
        spanId: span.id,
        parentId: span.parent,
        name: span.name,
        kind: span.kind,
        startUs: span.start,
        durationNs: span.ns,
        attributes: span.attributes.map(untold),
        events: span.events.map(([timeUs, name, attributes]) => ({
          timeUs,
          name,
          attributes: attributes.map(untold),
        })),
        links: span.links.map(([traceId, spanId, attributes]) => ({
          traceId,
          spanId,
          attributes: attributes.map(untold),
        })),
        status: span.status,
        statusMessage: span.message,
      }),
    ),
  }
}

const termsTold = (terms: readonly Term[]): Told[] =>
  terms.flatMap(({ key, value }): Told[] => [key, told(value)])

function told(value: AttributeValue): Told {
  if (typeof value === 'bigint') return { int: String(value) }
  if (typeof value === 'number' && !Number.isFinite(value)) return { float: String(value) }
  return value
}

function untold(value: Told): FlatAttributes[number] {
  if (typeof value !== 'object') return value
  return value.int === undefined ? Number(value.float) : BigInt(value.int)
}
