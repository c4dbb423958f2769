// The operator's whole API in this process, with nothing behind it: what gets as far as a handler is seen.
import type { FastifyInstance } from 'fastify'
import { adoptRoute } from '../../operator/http/adopt-route.ts'
import { alertRoutes } from '../../operator/http/alert-routes.ts'
import { applyRoute } from '../../operator/http/apply-route.ts'
import { callRoute } from '../../operator/http/call-route.ts'
import { canaryRoutes } from '../../operator/http/canary-routes.ts'
import { changesRoute } from '../../operator/http/changes-route.ts'
import { circuitRoutes } from '../../operator/http/circuit-routes.ts'
import { configureRoutes } from '../../operator/http/configure-routes.ts'
import { dashboardRoute } from '../../operator/http/dashboard-route.ts'
import { eventsRoute } from '../../operator/http/events-route.ts'
import { explainRoute } from '../../operator/http/explain-route.ts'
import { guardRoutes } from '../../operator/http/guard-routes.ts'
import { identityRoutes } from '../../operator/http/identity-routes.ts'
import { intentionRoutes } from '../../operator/http/intention-routes.ts'
import { internalRoutes } from '../../operator/http/internal-routes.ts'
import { jaegerRoutes } from '../../operator/http/jaeger-routes.ts'
import { legacyRoutes } from '../../operator/http/legacy-routes.ts'
import { meshRoutes } from '../../operator/http/mesh-routes.ts'
import { migrationRoutes } from '../../operator/http/migration-routes.ts'
import { otlpRoute } from '../../operator/http/otlp-route.ts'
import { overrideRoutes } from '../../operator/http/override-routes.ts'
import { pauseRoutes } from '../../operator/http/pause-routes.ts'
import { planRoute } from '../../operator/http/plan-route.ts'
import { registerRoutes } from '../../operator/http/register-routes.ts'
import { buildServer, type ServerOptions } from '../../operator/http/server.ts'
import { splitRoutes } from '../../operator/http/split-routes.ts'
import { tapRoute } from '../../operator/http/tap-route.ts'
import { traceRoutes } from '../../operator/http/trace-routes.ts'
import { createMetrics } from '../../operator/telemetry/metrics.ts'

export interface BareApi {
  readonly app: FastifyInstance
  /** What handlers asked of their sources. */
  readonly asked: string[]
  /** What sources throw from now on. */
  fail(error: Error): void
}

/** @param feedToken what plugin processes have to show */
export function bareApi(over: Partial<ServerOptions> = {}, feedToken?: string): BareApi {
  const asked: string[] = []
  let failure: Error | null = null
  // biome-ignore lint/suspicious/noExplicitAny: stands for every source
  const source = (name: string): any =>
    new Proxy(() => {}, {
      get: (_target, key) => source(`${name}.${String(key)}`),
      apply: () => {
        asked.push(name)
        throw failure ?? new Error(`${name} was asked`)
      },
    })
  const app = buildServer({
    host: '127.0.0.1',
    port: 0,
    version: 'test',
    metrics: createMetrics('test'),
    status: source('status'),
    notReady: () => [],
    healthHeaders: () => ({}),
    parts: [
      legacyRoutes(source('legacy')),
      migrationRoutes(source('migrations')),
      meshRoutes(source('mesh')),
      registerRoutes(source('registrar')),
      callRoute(source('caller')),
      canaryRoutes(source('canaries')),
      configureRoutes(source('configurator')),
      splitRoutes(source('splits')),
      adoptRoute(source('adopt')),
      applyRoute(source('apply')),
      changesRoute(source('changes')),
      circuitRoutes(source('circuits')),
      eventsRoute(source('events')),
      explainRoute({ nodes: source('nodes'), services: source('services'), ejection: source('ejection') }),
      guardRoutes(source('guard')),
      identityRoutes(source('identities')),
      intentionRoutes(source('intentions')),
      overrideRoutes(source('target'), source('overrides')),
      dashboardRoute(source('dashboard')),
      alertRoutes(source('alerts')),
      tapRoute(source('tap')),
      pauseRoutes(source('pauses'), source('knows')),
      planRoute(source('plan')),
      otlpRoute({ collector: source('collector') }),
      traceRoutes(source('traces')),
      jaegerRoutes(source('jaeger')),
      internalRoutes({
        token: feedToken,
        ejections: source('ejections'),
        circuits: source('circuits'),
        feed: source('feed'),
        onOutcome: source('outcome'),
        signal: new AbortController().signal,
      }),
    ],
    ...over,
  })
  const fail = (error: Error) => {
    failure = error
  }
  return { app, asked, fail }
}
