// The collector of the operator: routes in, store, snapshot and what is handed on. Start reading at trace-collector.ts.
import type { FastifyInstance } from 'fastify'
import { registerSpanExportMetrics } from '../../plugins/export/export-metrics.ts'
import { tracesUrl } from '../../plugins/export/otlp-exporter.ts'
import { jaegerRoutes } from '../http/jaeger-routes.ts'
import { otlpRoute } from '../http/otlp-route.ts'
import { traceRoutes } from '../http/trace-routes.ts'
import type { TracesConfig } from '../sync/operator-config.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { createHandOn } from './hand-on.ts'
import { SnapshotFile } from './snapshot-file.ts'
import { TraceCollector } from './trace-collector.ts'
import { registerTraceMetrics } from './trace-metrics.ts'
import { TraceQueries } from './trace-queries.ts'

export interface Traces {
  readonly parts: readonly ((app: FastifyInstance) => void)[]
  readonly queries: TraceQueries
  /** Loads what was saved. */
  start(): Promise<void>
  /** Saves, and hands on what waits for two seconds at most. */
  stop(): Promise<void>
}

/** @throws TypeError when a URL is none */
export function createTraces(
  { maxTraces, maxMegabytes, snapshotFile, exportUrl, exportAuthorization, exportTls }: TracesConfig,
  { log, metrics }: { readonly log: Logger; readonly metrics: Pick<Metrics, 'registry'> },
): Traces {
  const handOn =
    exportUrl === undefined
      ? null
      : createHandOn({
          url: tracesUrl(exportUrl),
          authorization: exportAuthorization,
          tls: exportTls,
          log,
        })
  const bounds = {
    ...(maxTraces === undefined ? {} : { maxTraces }),
    ...(maxMegabytes === undefined ? {} : { maxBytes: maxMegabytes * 1024 * 1024 }),
  }
  const collector = new TraceCollector(bounds, (body) => handOn?.add([body]))
  const queries = new TraceQueries(collector.store)
  const file = snapshotFile === undefined ? null : new SnapshotFile(snapshotFile, collector.store, log)
  registerTraceMetrics(metrics.registry, collector)
  registerSpanExportMetrics(metrics.registry, handOn === null ? [] : [handOn])
  return {
    parts: [otlpRoute({ collector }), traceRoutes(queries), jaegerRoutes(queries)],
    queries,
    start: async () => file?.start(),
    stop: async () => {
      await Promise.all([file?.stop(), handOn?.stop()])
    },
  }
}
