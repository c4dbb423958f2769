// Registries of both processes as they run, with nothing behind them: names, kinds, labels and texts are known without.
import type { Registry } from 'prom-client'
import { registerAgentMetrics } from '../../plugins/agent/agent-metrics.ts'
import { registerExportMetrics } from '../../plugins/export/export-metrics.ts'
import { registerObserverMetrics } from '../../plugins/mesh-observer/observer-metrics.ts'
import { registerTracingMetrics } from '../../plugins/mesh-tracing/tracing-metrics.ts'
import { registerFeedMetrics } from '../../plugins/outcomes/feed-metrics.ts'
import { createSupervisorMetrics } from '../../plugins/server/metrics/supervisor-metrics.ts'
import { createWorkerMetrics, registerFileMetrics } from '../../plugins/server/metrics/worker-metrics.ts'
import { registerInstanceMetrics } from '../metrics/instance-metrics.ts'
import { type DocumentedProcess, metricsDocument } from '../metrics/metrics-docs.ts'
import { RedBook } from '../metrics/red-book.ts'
import { registerRedMetrics } from '../metrics/red-metrics.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { registerTraceMetrics } from '../traces/trace-metrics.ts'

/** The text of docs/metrics.md. */
export function metricsText(): string {
  return metricsDocument([operator(), plugins()], KONG)
}

function operator(): DocumentedProcess {
  const { registry } = createMetrics('docs')
  const book = new RedBook({ serviceOf: () => null, knows: () => false, startedMs: 0 })
  registerRedMetrics(registry, book)
  registerInstanceMetrics(registry, () => new Map())
  registerTraceMetrics(registry, {} as never)
  return {
    title: 'Operator',
    about: 'Buckets of request durations: .005 .01 .025 .05 .075 .1 .25 .5 .75 1 2.5 5 7.5 10 seconds.',
    registries: [registry],
  }
}

function plugins(): DocumentedProcess {
  // What is only looked at when somebody scrapes is not there.
  const nothing = {} as never
  const worker = createWorkerMetrics(nothing)
  registerAgentMetrics(worker.registry, nothing)
  registerExportMetrics(worker.registry, { exporters: [], links: [] })
  registerObserverMetrics(worker.registry, nothing, nothing)
  registerTracingMetrics(worker.registry, nothing)
  registerFeedMetrics(worker.registry, nothing)
  registerFileMetrics(worker.registry, nothing)
  const supervisor = createSupervisorMetrics(nothing)
  return {
    title: 'Plugins',
    about: 'Of the plugin process of one node of Kong; the feed’s are there once it listens.',
    registries: [worker.registry, supervisor.registry] satisfies Registry[],
  }
}

const KONG = `
## Kong

\`GET /metrics\` of the Admin API has numbers of the node without anything being switched on: \`kong_node_info\`,
\`kong_datastore_reachable\`, \`kong_nginx_requests_total\` and more. The dashboards use no others of Kong: requests, errors and
latencies of services come from the access log, which costs Kong about a third of what its own plugin \`prometheus\` does.

So the operator does not set that plugin up: all of its families are off by default, and none of them is needed. Whoever wants
them (bytes, consumers, Kong's own latencies) switches them on; the operator leaves the plugin alone, as everything without its tags:

\`\`\`sh
curl http://127.0.0.1:8001/plugins -d name=prometheus -d config.status_code_metrics=true -d config.latency_metrics=true \\
  -d config.bandwidth_metrics=true -d config.upstream_health_metrics=true
\`\`\`
`
