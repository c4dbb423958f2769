import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { PluginHost } from '../rpc/plugin-host.ts'
import { METHODS } from '../rpc/request.ts'
import { LATENCY_BUCKETS_S, type LatencyCounts, RPC_ERRORS } from './rpc-stats.ts'

interface Sample {
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  readonly metricName?: string
}

/** Metrics of the working process. Counts are read when they are asked for; other parts register theirs here. */
export function createWorkerMetrics(host: PluginHost): { readonly registry: Registry } {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const add = (
    name: string,
    type: 'counter' | 'histogram',
    labelNames: readonly string[],
    help: string,
    read: () => readonly Sample[],
  ) => {
    // prom-client has no metric that is computed when it is read, except gauges; this is all its registry asks of one.
    const metric = { name, help, type, labelNames, aggregator: 'sum' }
    registry.registerMetric({ ...metric, get: async () => ({ ...metric, values: read() }) } as never)
  }
  add(
    'mesh_plugin_rpc_duration_seconds',
    'histogram',
    ['plugin', 'method'],
    'Requests of Kong to a plugin, by method; answer included.',
    () =>
      [...host.stats].flatMap(([plugin, { latencies }]) =>
        METHODS.flatMap((method) => histogram({ plugin, method }, latencies[method])),
      ),
  )
  add(
    'mesh_plugin_rpc_errors_total',
    'counter',
    ['plugin', 'kind'],
    'Requests that went wrong, by what did.',
    () =>
      [...host.stats].flatMap(([plugin, { errors }]) =>
        RPC_ERRORS.map((kind) => ({ labels: { plugin, kind }, value: errors[kind] })),
      ),
  )
  const gauge = (name: string, help: string, read: (plugin: string) => number) => {
    new Gauge({
      name,
      help,
      labelNames: ['plugin'],
      registers: [registry],
      collect() {
        for (const plugin of host.plugins.keys()) this.set({ plugin }, read(plugin))
      },
    })
  }
  const countOf = (counts: ReadonlyMap<string, number>, plugin: string) => counts.get(plugin) ?? 0
  gauge('mesh_plugin_instances', 'Configured plugins that Kong has started.', (plugin) =>
    countOf(host.instances.countByPlugin(), plugin),
  )
  gauge('mesh_plugin_events_open', 'Events that Kong may still step.', (plugin) =>
    countOf(host.events.countByPlugin(), plugin),
  )
  gauge('mesh_plugin_connections', 'Connections of Kong.', (plugin) => host.stats.get(plugin)!.connections)
  return { registry }
}

/** How near the process is to `ulimit -n`. */
export function registerFileMetrics(registry: Registry, files: { readonly kept: number }): void {
  new Gauge({
    name: 'mesh_plugin_files_kept',
    help: 'File descriptors kept for when no more can be opened: fewer than 64 when ulimit -n is reached.',
    registers: [registry],
    collect() {
      this.set(files.kept)
    },
  })
}

function histogram(
  labels: Readonly<Record<string, string>>,
  { counts, sumSeconds }: LatencyCounts,
): Sample[] {
  const name = 'mesh_plugin_rpc_duration_seconds'
  let total = 0
  const buckets = LATENCY_BUCKETS_S.map((le, at) => {
    total += counts[at]!
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: total }
  })
  total += counts[LATENCY_BUCKETS_S.length]!
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: total },
    { metricName: `${name}_sum`, labels, value: sumSeconds },
    { metricName: `${name}_count`, labels, value: total },
  ]
}
