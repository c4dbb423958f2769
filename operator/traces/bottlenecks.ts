import { z } from 'zod'
import { traceTimes } from './intervals.ts'
import { windowOf } from './latency-views.ts'
import type { RollingLatency } from './rolling-latency.ts'
import type { StoredTrace } from './stored-trace.ts'
import { roundMs, workerOf } from './summarize.ts'
import { outlineOf } from './trace-outline.ts'
import type { TraceStore } from './trace-store.ts'

/** Of so many of the newest traces of a window the critical path is walked. */
const MOST_TRACES = 1_000

const ms = z.number().nullable()
const operationShape = z.object({
  service: z.string(),
  operation: z.string(),
  calls: z.int(),
  error_rate: z.number().meta({ description: 'percent' }),
  p95: ms,
  p95_before: ms.meta({ description: 'in the window before; null where there was nothing' }),
  p95_change: ms.meta({ description: 'percent' }),
  self_time: z.number().meta({ description: 'ms in the traces looked at, without what children take' }),
  share: z.number().meta({ description: 'percent of all time spent in these traces' }),
  share_before: ms,
})
const serviceShape = z.object({
  service: z.string(),
  self_time: z.number().meta({ description: 'ms in the traces looked at' }),
  share: z.number().meta({ description: 'percent of all time spent' }),
  share_before: ms,
  critical_time: z.number().meta({ description: 'ms on critical paths' }),
  critical_share: z.number().meta({ description: 'percent of the time that traces took' }),
  critical_share_before: ms,
})
export const bottlenecksShape = z.object({
  window_seconds: z.number(),
  traces: z.int().meta({ description: 'that arrived within the window and were looked at' }),
  traces_before: z.int().meta({ description: 'of the window before' }),
  services: z.array(serviceShape).meta({ description: 'by their part of the critical paths' }),
  by_share: z.array(operationShape).meta({ description: 'operations by their share of all time' }),
  by_p95: z.array(operationShape).meta({ description: 'operations by p95' }),
})
export type Bottlenecks = z.infer<typeof bottlenecksShape>

/** Where time goes within a window, and how that was in the one before. */
export function bottlenecks(store: TraceStore, windowMs: number, limit: number, nowMs: number): Bottlenecks {
  const now = windowOf(windowMs, nowMs)
  const before = windowOf(windowMs, nowMs - windowMs)
  const { recent, earlier } = newest(store, nowMs - windowMs, nowMs - 2 * windowMs)
  const spent = timeSpent(recent)
  const spentBefore = timeSpent(earlier)
  const p95 = (calls: RollingLatency, { fromMinute, toMinute }: typeof now) =>
    calls.window(fromMinute, toMinute)
  const operations = store.series.operations().flatMap(({ service, operation, calls }) => {
    const current = p95(calls, now)
    if (current.calls === 0) return []
    const key = `${service}\0${operation}`
    const value = current.latency.percentile(95)
    const valueBefore = p95(calls, before).latency.percentile(95)
    return {
      service,
      operation,
      calls: current.calls,
      error_rate: percent(current.errors, current.calls),
      p95: rounded(value),
      p95_before: rounded(valueBefore),
      p95_change:
        value === null || valueBefore === null || valueBefore === 0
          ? null
          : roundMs((100 * (value - valueBefore)) / valueBefore),
      self_time: roundMs(spent.operations.get(key) ?? 0),
      share: percent(spent.operations.get(key) ?? 0, spent.total),
      share_before:
        spentBefore.total === 0 ? null : percent(spentBefore.operations.get(key) ?? 0, spentBefore.total),
    }
  })
  const services = [...spent.services].map(([service, { selfMs, criticalMs }]) => {
    const was = spentBefore.services.get(service)
    const isKnown = earlier.length > 0
    return {
      service,
      self_time: roundMs(selfMs),
      share: percent(selfMs, spent.total),
      share_before: isKnown ? percent(was?.selfMs ?? 0, spentBefore.total) : null,
      critical_time: roundMs(criticalMs),
      critical_share: percent(criticalMs, spent.elapsed),
      critical_share_before: isKnown ? percent(was?.criticalMs ?? 0, spentBefore.elapsed) : null,
    }
  })
  return {
    window_seconds: windowMs / 1_000,
    traces: recent.length,
    traces_before: earlier.length,
    services: services
      .sort(
        (left, right) => right.critical_time - left.critical_time || (left.service < right.service ? -1 : 1),
      )
      .slice(0, limit),
    by_share: operations.toSorted((left, right) => right.self_time - left.self_time).slice(0, limit),
    by_p95: operations.toSorted((left, right) => (right.p95 ?? 0) - (left.p95 ?? 0)).slice(0, limit),
  }
}

interface Spent {
  /** Own time of all spans, ms. */
  readonly total: number
  /** What the traces took, ms. */
  readonly elapsed: number
  readonly services: ReadonlyMap<string, { readonly selfMs: number; readonly criticalMs: number }>
  readonly operations: ReadonlyMap<string, number>
}

function timeSpent(traces: readonly StoredTrace[]): Spent {
  const services = new Map<string, { selfMs: number; criticalMs: number }>()
  const operations = new Map<string, number>()
  let total = 0
  let elapsed = 0
  for (const trace of traces) {
    const times = traceTimes(trace)
    const reporting = new Set([...times.keys()].map(({ service }) => service))
    elapsed += outlineOf(trace).root.durationMs
    for (const [span, { selfMs, criticalMs }] of times) {
      const service = workerOf(span, reporting)
      const sums = services.get(service) ?? { selfMs: 0, criticalMs: 0 }
      sums.selfMs += selfMs
      sums.criticalMs += criticalMs
      services.set(service, sums)
      const key = `${span.service}\0${span.name.value as string}`
      operations.set(key, (operations.get(key) ?? 0) + selfMs)
      total += selfMs
    }
  }
  return { total, elapsed, services, operations }
}

function newest(store: TraceStore, sinceMs: number, beforeMs: number) {
  const recent: StoredTrace[] = []
  const earlier: StoredTrace[] = []
  for (const trace of store.traces()) {
    if (trace.arrivedMs >= sinceMs) recent.push(trace)
    else if (trace.arrivedMs >= beforeMs) earlier.push(trace)
  }
  return { recent: recent.slice(-MOST_TRACES), earlier: earlier.slice(-MOST_TRACES) }
}

const percent = (part: number, whole: number): number => (whole === 0 ? 0 : roundMs((100 * part) / whole))
const rounded = (value: number | null): number | null => (value === null ? null : roundMs(value))
