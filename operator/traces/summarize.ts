import { z } from 'zod'
import { type TraceTimes, traceTimes } from './intervals.ts'
import { CLIENT } from './otlp/span-input.ts'
import type { StoredSpan, StoredTrace } from './stored-trace.ts'
import { outlineOf } from './trace-outline.ts'

export const summaryShape = z.object({
  trace_id: z.string(),
  root_service: z.string(),
  root_operation: z.string(),
  start_time: z.iso.datetime(),
  total_duration: z.number().meta({ description: 'ms, from the first start to the last end' }),
  span_count: z.int(),
  error_count: z.int(),
  services_involved: z
    .array(z.string())
    .meta({ description: 'those that sent spans, and those that the gateway called' }),
  service_times: z
    .record(z.string(), z.number())
    .meta({ description: 'ms that each service spent itself, without waiting for others' }),
  status: z.enum(['success', 'error']),
})
export type TraceSummary = z.infer<typeof summaryShape>

export function summarize(trace: StoredTrace, times: TraceTimes = traceTimes(trace)): TraceSummary {
  const { root, startUs, durationMs, services } = outlineOf(trace)
  return {
    trace_id: trace.id,
    root_service: root.service,
    root_operation: root.name.value as string,
    start_time: isoOfUs(startUs),
    total_duration: roundMs(durationMs),
    span_count: trace.spans.length,
    error_count: trace.errors,
    services_involved: [...services],
    service_times: Object.fromEntries(serviceTimes(times)),
    status: trace.errors > 0 ? 'error' : 'success',
  }
}

/** ms by service, by name. What the gateway waited for a service without spans of its own is that service's. */
export function serviceTimes(times: TraceTimes): readonly (readonly [service: string, ms: number])[] {
  const sums = new Map<string, number>()
  const reporting = new Set([...times.keys()].map(({ service }) => service))
  for (const [span, { selfMs }] of times) {
    const service = workerOf(span, reporting)
    sums.set(service, (sums.get(service) ?? 0) + selfMs)
  }
  return [...sums]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([service, ms]) => [service, roundMs(ms)])
}

/** Whose time the own time of a span is. @param reporting services that have spans in this trace */
export function workerOf(span: StoredSpan, reporting: ReadonlySet<string>): string {
  const called = span.isGateway && span.kind === CLIENT ? span.calls?.value : undefined
  return typeof called === 'string' && !reporting.has(called) ? called : span.service
}

export const isoOfUs = (us: number): string => new Date(us / 1_000).toISOString()

/** To the microsecond. */
export const roundMs = (ms: number): number => Math.round(ms * 1_000) / 1_000
