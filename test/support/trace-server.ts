// The operator's API with a trace collector behind it and nothing else, listening on a port of its own.
import { jaegerRoutes } from '../../operator/http/jaeger-routes.ts'
import { type OtlpOptions, otlpRoute } from '../../operator/http/otlp-route.ts'
import { type ServerOptions, startServer } from '../../operator/http/server.ts'
import { traceRoutes } from '../../operator/http/trace-routes.ts'
import { createMetrics } from '../../operator/telemetry/metrics.ts'
import { TraceCollector } from '../../operator/traces/trace-collector.ts'
import { TraceQueries } from '../../operator/traces/trace-queries.ts'
import type { StoreBounds } from '../../operator/traces/trace-store.ts'

// biome-ignore lint/suspicious/noExplicitAny: what a test reads of an answer fails where it is not there
export type Loose = any

export interface TraceServer {
  readonly url: string
  readonly collector: TraceCollector
  readonly close: () => Promise<void>
  /** A GET of the API; its status and parsed body. */
  readonly get: (path: string) => Promise<{ status: number; body: Loose }>
  /** A POST of spans as OTLP's JSON. */
  readonly send: (request: unknown) => Promise<Response>
}

export async function startTraceServer({
  bounds = {},
  otlp = {},
  server = {},
}: {
  bounds?: Partial<StoreBounds>
  otlp?: Partial<OtlpOptions>
  server?: Partial<ServerOptions>
} = {}): Promise<TraceServer> {
  const collector = new TraceCollector(bounds)
  const queries = new TraceQueries(collector.store)
  const { url, close } = await startServer({
    host: '127.0.0.1',
    port: 0,
    metrics: createMetrics('test'),
    status: () => ({}) as never,
    notReady: () => [],
    healthHeaders: () => ({}),
    parts: [otlpRoute({ collector, ...otlp }), traceRoutes(queries), jaegerRoutes(queries)],
    ...server,
  })
  return {
    url,
    collector,
    close,
    get: async (path) => {
      const answer = await fetch(`${url}${path}`)
      return { status: answer.status, body: (await answer.json()) as Loose }
    },
    send: (request) =>
      fetch(`${url}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(request),
      }),
  }
}
