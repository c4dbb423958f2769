import type { Registry } from 'prom-client'
import { readMetric } from '../export/read-metrics.ts'
import type { TraceBudget } from './trace-budget.ts'

/** Registers the counter of traces that were not recorded; it is read when somebody asks for it. */
export function registerTracingMetrics(registry: Registry, budget: Pick<TraceBudget, 'limited'>): void {
  readMetric(
    registry,
    'mesh_traces_limited_total',
    [],
    'Traces that began and are not recorded, because their service has had its plugins.tracesPerSecond; what fails is recorded all the same.',
    (add) => add(budget.limited),
  )
}
