// Traces as Jaeger's query API has them, for its UI and for Grafana's data source.
// https://www.jaegertracing.io/docs/2.0/apis/#query-json-over-http
import type { Dependencies } from './latency-views.ts'
import { type AttributeValue, type FlatAttributes, KIND_NAMES } from './otlp/span-input.ts'
import type { StoredSpan, StoredTrace } from './stored-trace.ts'
import type { Term } from './terms.ts'
import { outlineOf, startOf } from './trace-outline.ts'

interface JaegerTag {
  readonly key: string
  readonly type: 'string' | 'bool' | 'int64' | 'float64'
  readonly value: string | number | boolean
}

interface JaegerSpan {
  readonly traceID: string
  readonly spanID: string
  readonly flags: number
  readonly operationName: string
  readonly references: readonly { refType: string; traceID: string; spanID: string }[]
  /** Microseconds since 1970. */
  readonly startTime: number
  /** Microseconds. */
  readonly duration: number
  readonly tags: readonly JaegerTag[]
  readonly logs: readonly { timestamp: number; fields: readonly JaegerTag[] }[]
  readonly processID: string
  readonly warnings: readonly string[] | null
}

export interface JaegerTrace {
  readonly traceID: string
  readonly spans: readonly JaegerSpan[]
  readonly processes: Readonly<Record<string, { serviceName: string; tags: readonly JaegerTag[] }>>
  readonly warnings: null
}

export interface JaegerDependency {
  readonly parent: string
  readonly child: string
  readonly callCount: number
}

export function jaegerTrace(trace: StoredTrace): JaegerTrace {
  const outline = outlineOf(trace)
  const processes = new Map(trace.resources.map((resource, i) => [resource, `p${i + 1}`]))
  return {
    traceID: trace.id,
    spans: trace.spans.map((span): JaegerSpan => {
      const shiftUs = startOf(span, outline) - span.startUs
      const warnings = [
        ...(shiftUs === 0 ? [] : [`clock skew: moved by ${Math.round(shiftUs)} us`]),
        ...(span.parentId !== '' && span.parent === undefined
          ? [`invalid parent span ${span.parentId}`]
          : []),
      ]
      return {
        traceID: trace.id,
        spanID: span.id,
        flags: 1,
        operationName: span.name.value as string,
        references: [
          ...(span.parentId === '' ? [] : [reference('CHILD_OF', trace.id, span.parentId)]),
          ...(span.extras?.links ?? []).map((link) => reference('FOLLOWS_FROM', link.traceId, link.spanId)),
        ],
        startTime: Math.round(span.startUs + shiftUs),
        duration: Math.round(span.durationNs / 1_000),
        tags: spanTags(span),
        logs: (span.extras?.events ?? []).map(({ timeUs, name, attributes }) => ({
          timestamp: Math.round(timeUs + shiftUs),
          fields: [tag('event', name), ...flatTags(attributes)],
        })),
        processID: processes.get(span.resource)!,
        warnings: warnings.length === 0 ? null : warnings,
      }
    }),
    processes: Object.fromEntries(
      [...processes].map(([{ service, terms }, id]) => [
        id,
        { serviceName: service.value as string, tags: termTags(terms) },
      ]),
    ),
    warnings: null,
  }
}

/** Jaeger's edges are those that spans show: what is behind the gateway is called by the gateway. */
export function jaegerDependencies({ dependencies }: Dependencies): readonly JaegerDependency[] {
  return dependencies
    .filter(({ via }) => via === null)
    .map(({ caller, callee, calls }) => ({ parent: caller, child: callee, callCount: calls }))
}

/** What OTLP has fields for is a tag in Jaeger. */
function spanTags(span: StoredSpan): readonly JaegerTag[] {
  const { kind, status, isError, scope, extras } = span
  return [
    ...termTags(span.terms).filter(({ key }) => key !== 'error'),
    ...(kind === 0 ? [] : [tag('span.kind', KIND_NAMES[kind])]),
    ...(scope.value === '' ? [] : [tag('otel.scope.name', scope.value)]),
    ...(status === 0 ? [] : [tag('otel.status_code', status === 2 ? 'ERROR' : 'OK')]),
    ...(extras === null || extras.statusMessage === ''
      ? []
      : [tag('otel.status_description', extras.statusMessage)]),
    ...(isError ? [tag('error', true)] : []),
  ]
}

const reference = (refType: string, traceID: string, spanID: string) => ({ refType, traceID, spanID })

const termTags = (terms: readonly Term[]): JaegerTag[] => terms.map(({ key, value }) => tag(key, value))

function flatTags(flat: FlatAttributes): JaegerTag[] {
  const tags: JaegerTag[] = []
  for (let i = 0; i < flat.length; i += 2) tags.push(tag(String(flat[i]), flat[i + 1]!))
  return tags
}

function tag(key: string, value: AttributeValue): JaegerTag {
  if (typeof value === 'boolean') return { key, type: 'bool', value }
  if (typeof value === 'string') return { key, type: 'string', value }
  // Digits beyond those of a number come as text, as Jaeger sends them to browsers.
  if (typeof value === 'bigint') return { key, type: 'int64', value: String(value) }
  if (!Number.isFinite(value)) return { key, type: 'string', value: String(value) }
  return { key, type: Number.isInteger(value) ? 'int64' : 'float64', value }
}
