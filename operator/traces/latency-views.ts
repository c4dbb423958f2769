// What the API says of latencies: of edges, and of one service with its operations, callers and callees.
import { z } from 'zod'
import { LatencyHistogram } from '../core/latency-histogram.ts'
import type { Edge } from './edge-book.ts'
import { type LatencyWindow, minuteOf, type RollingLatency } from './rolling-latency.ts'
import { roundMs } from './summarize.ts'
import type { TraceStore } from './trace-store.ts'

const ms = z.number().nullable()
export const latencyShape = z.object({
  calls: z.int(),
  errors: z.int(),
  error_rate: z.number().meta({ description: 'percent' }),
  mean: ms.meta({ description: 'ms, as the others; null without calls' }),
  p50: ms,
  p90: ms,
  p95: ms,
  p99: ms,
})
const edgeShape = latencyShape.extend({
  caller: z.string(),
  callee: z.string(),
  via: z
    .string()
    .nullable()
    .meta({ description: 'the gateway between these two; null for a call without one' }),
})
export const dependenciesShape = z.object({
  dependencies: z.array(edgeShape),
  total: z.int(),
  window_seconds: z.number().nullable().meta({ description: 'null: since the operator started' }),
})
export const serviceLatencyShape = latencyShape.extend({
  service: z.string(),
  window_seconds: z.number(),
  source: z
    .enum(['server', 'client'])
    .meta({ description: 'spans of the service itself; client: those of its callers, where it sends none' }),
  operations: z.array(latencyShape.extend({ operation: z.string() })),
  callers: z.array(edgeShape),
  callees: z.array(edgeShape),
})

export type Latency = z.infer<typeof latencyShape>
export type EdgeRow = z.infer<typeof edgeShape>
export type Dependencies = z.infer<typeof dependenciesShape>
export type ServiceLatency = z.infer<typeof serviceLatencyShape>

export interface Window {
  readonly fromMinute: number
  readonly toMinute: number
}

/** Windows are whole minutes, the one under way included. */
export const windowOf = (windowMs: number, nowMs: number): Window => ({
  fromMinute: minuteOf(nowMs - windowMs) + 1,
  toMinute: minuteOf(nowMs),
})

/** @param windowMs null for all since the start */
export function dependencies(store: TraceStore, windowMs: number | null, nowMs: number): Dependencies {
  const rows = store.edges
    .list()
    .map((edge) => edgeRow(edge, windowMs === null ? edge.calls : within(edge.calls, windowMs, nowMs)))
    .filter(({ calls }) => calls > 0)
  return {
    dependencies: rows,
    total: rows.length,
    window_seconds: windowMs === null ? null : windowMs / 1_000,
  }
}

/** null for a service that nothing was heard of within the window. */
export function serviceLatency(
  store: TraceStore,
  service: string,
  windowMs: number,
  nowMs: number,
): ServiceLatency | null {
  const edges = store.edges
    .list()
    .filter(({ caller, callee }) => caller === service || callee === service)
    .map((edge) => [edge, within(edge.calls, windowMs, nowMs)] as const)
    .filter(([, { calls }]) => calls > 0)
  const rows = (isWanted: (edge: Edge) => boolean) =>
    edges.filter(([edge]) => isWanted(edge)).map(([edge, calls]) => edgeRow(edge, calls))
  const own = store.series.service(service)
  const served = own === undefined ? null : within(own, windowMs, nowMs)
  const isOwn = served !== null && served.calls > 0
  const asked = isOwn
    ? served
    : merged(edges.flatMap(([{ callee, via }, calls]) => (callee === service && via === '' ? [calls] : [])))
  if (asked.calls === 0 && edges.length === 0) return null
  const operations = store.series
    .operations()
    .filter((series) => series.service === service)
    .map(({ operation, calls }) => ({ operation, ...latencyOf(within(calls, windowMs, nowMs)) }))
    .filter(({ calls }) => calls > 0)
    .sort((left, right) => (right.p95 ?? 0) - (left.p95 ?? 0) || (left.operation < right.operation ? -1 : 1))
  return {
    service,
    window_seconds: windowMs / 1_000,
    source: isOwn ? 'server' : 'client',
    ...latencyOf(asked),
    operations,
    callers: rows(({ callee }) => callee === service),
    callees: rows(({ caller }) => caller === service),
  }
}

export function latencyOf({ calls, errors, latency }: LatencyWindow): Latency {
  const at = (percent: number) => {
    const value = latency.percentile(percent)
    return value === null ? null : roundMs(value)
  }
  return {
    calls,
    errors,
    error_rate: calls === 0 ? 0 : roundMs((100 * errors) / calls),
    mean: calls === 0 ? null : roundMs(latency.meanMs),
    p50: at(50),
    p90: at(90),
    p95: at(95),
    p99: at(99),
  }
}

const edgeRow = ({ caller, callee, via }: Edge, calls: LatencyWindow): EdgeRow => ({
  caller,
  callee,
  via: via === '' ? null : via,
  ...latencyOf(calls),
})

function within(calls: RollingLatency, windowMs: number, nowMs: number): LatencyWindow {
  const { fromMinute, toMinute } = windowOf(windowMs, nowMs)
  return calls.window(fromMinute, toMinute)
}

function merged(windows: readonly LatencyWindow[]): LatencyWindow {
  const [first, ...others] = windows
  if (first === undefined) return { calls: 0, errors: 0, latency: NO_CALLS }
  let { calls, errors } = first
  for (const other of others) {
    first.latency.add(other.latency)
    calls += other.calls
    errors += other.errors
  }
  return { calls, errors, latency: first.latency }
}

const NO_CALLS = new LatencyHistogram()
