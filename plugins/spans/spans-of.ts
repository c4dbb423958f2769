// An outcome becomes spans: one SERVER span of the request at the gateway, and one CLIENT span for each try. Pure.
// Attributes and names: OpenTelemetry's semantic conventions for HTTP, stable since 1.23,
// https://opentelemetry.io/docs/specs/semconv/http/http-spans/
//
// The traceparent that an upstream gets names the SERVER span. It has to be written before Kong chooses an instance, and
// goes to every instance that is tried, so it cannot name a try. The spans of tries are children of the SERVER span too,
// beside those of the upstream, and are matched by their times and by `peer.service`.
import type { Outcome } from '../outcomes/outcome.ts'
import { isClientFailure, isServerFailure } from './failure.ts'
import { spanMethod } from './http-method.ts'
import { type MeshNames, NO_NAMES, routeLabel } from './mesh-names.ts'
import { serverAttributes } from './server-attributes.ts'
import type { Span } from './span.ts'
import { trySpanId } from './span-id.ts'
import { tryAttributes } from './try-attributes.ts'

/** Spans of a request, the SERVER span first; none for a request outside of a trace of ours. */
export function spansOf(outcome: Outcome, names: MeshNames = NO_NAMES): readonly Span[] {
  const { traceId, spanId, parentSpanId, sampled, startedAtMs, durationMs, tries } = outcome
  if (traceId === null || spanId === null) return []
  const endMs = startedAtMs + durationMs
  const facts = factsOf(outcome, names)
  const spans: Span[] = [
    {
      traceId,
      spanId,
      parentSpanId,
      isParentRemote: parentSpanId !== null,
      sampled,
      name: facts.name,
      kind: 'server',
      startMs: startedAtMs,
      endMs,
      attributes: serverAttributes(outcome, facts),
      isError: isServerFailure(outcome),
    },
  ]
  for (const [i, { startedAfterMs, ms }] of tries.entries()) {
    const startMs = Math.min(startedAtMs + (startedAfterMs ?? 0), endMs)
    spans.push({
      traceId,
      spanId: trySpanId(spanId, i),
      parentSpanId: spanId,
      isParentRemote: false,
      sampled,
      name: facts.name,
      kind: 'client',
      startMs,
      endMs: ms === null ? endMs : Math.min(startMs + ms, endMs),
      attributes: tryAttributes(outcome, i, facts),
      isError: isClientFailure(outcome, i),
    })
  }
  return spans
}

/** Whether a request leaves spans: when its trace is sampled, and when it failed or was refused, sampled or not. */
export const isRecorded = (outcome: Outcome): boolean => outcome.sampled || isServerFailure(outcome)

/** What is known of a request beyond its outcome. */
export interface SpanFacts {
  readonly name: string
  readonly method: string
  readonly service: string | undefined
  readonly routeName: string | undefined
  readonly route: string | undefined
}

function factsOf(outcome: Outcome, names: MeshNames): SpanFacts {
  const { routeId, serviceId } = outcome
  const found = routeId === null ? undefined : names.route(routeId)
  const route = found && routeLabel(found, outcome.path)
  const { verb, method } = spanMethod(outcome.method)
  return {
    name: route === undefined ? verb : `${verb} ${route}`,
    method,
    service: serviceId === null ? undefined : names.service(serviceId),
    routeName: found?.name,
    route,
  }
}
