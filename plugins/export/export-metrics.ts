import type { Registry } from 'prom-client'
import { type OperatorLink, OUTCOME_DROPS } from './operator-link.ts'
import { type OtlpExporter, SPAN_DROPS } from './otlp-exporter.ts'
import { readMetric } from './read-metrics.ts'

type Exporter = Pick<OtlpExporter<never>, 'name' | 'counts' | 'queued'>

/** What the metrics are read from. */
export interface Exports {
  readonly exporters: readonly Exporter[]
  readonly links: readonly Pick<OperatorLink, 'operator' | 'counts' | 'queued'>[]
}

/** Registers the counters of everything that leaves the process; they are read when somebody asks for them. */
export function registerExportMetrics(registry: Registry, { exporters, links }: Exports): void {
  registerSpanExportMetrics(registry, exporters)
  const outcomes = (name: string, help: string, read: (link: Exports['links'][number]) => number) =>
    readMetric(registry, name, ['operator'], help, (add) => {
      for (const link of links) add(read(link), { operator: link.operator })
    })
  outcomes('mesh_outcomes_sent_total', 'Outcomes that an operator has taken.', ({ counts }) => counts.sent)
  outcomes('mesh_outcomes_queued', 'Outcomes that wait for an operator.', ({ queued }) => queued)
  readMetric(
    registry,
    'mesh_outcomes_dropped_total',
    ['operator', 'reason'],
    'Outcomes that did not reach an operator, by reason.',
    (add) => {
      for (const { operator, counts } of links)
        for (const reason of OUTCOME_DROPS) add(counts.dropped[reason], { operator, reason })
    },
  )
}

/** The part of it about spans, for who exports nothing else. */
export function registerSpanExportMetrics(registry: Registry, exporters: readonly Exporter[]): void {
  const spans = (name: string, help: string, read: (exporter: Exporter) => number) =>
    readMetric(registry, name, ['exporter'], help, (add) => {
      for (const exporter of exporters) add(read(exporter), { exporter: exporter.name })
    })
  spans('mesh_spans_exported_total', 'Spans that a collector has taken.', ({ counts }) => counts.exported)
  spans('mesh_span_export_requests_total', 'Requests to a collector.', ({ counts }) => counts.requests)
  spans(
    'mesh_span_export_retries_total',
    'Requests to a collector that were due again.',
    ({ counts }) => counts.retries,
  )
  spans('mesh_spans_queued', 'Spans that wait to be exported.', ({ queued }) => queued)
  readMetric(
    registry,
    'mesh_spans_dropped_total',
    ['exporter', 'reason'],
    'Spans that did not reach a collector, by reason.',
    (add) => {
      for (const { name: exporter, counts } of exporters)
        for (const reason of SPAN_DROPS) add(counts.dropped[reason], { exporter, reason })
    },
  )
}
