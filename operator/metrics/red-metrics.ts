// What the book of requests knows, for Prometheus. Read when it is asked for: counting a request costs nothing here.
import type { Registry } from 'prom-client'
import type { RedBook } from './red-book.ts'
import { BUCKETS_S, type RedSeries } from './red-series.ts'

type Labels = Readonly<Record<string, string>>

interface Labelled {
  readonly labels: Labels
  readonly series: RedSeries
}

interface Sample {
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  readonly metricName?: string
}

/** Registers durations and failures by service, instance and edge. */
export function registerRedMetrics(registry: Registry, book: RedBook): void {
  const services = () => [...book.services()].map(([service, series]) => ({ labels: { service }, series }))
  const instances = () =>
    book.instances().map(({ service, instance, series }) => ({ labels: { service, instance }, series }))
  const edges = () =>
    book.edges().map(({ caller, service, series }) => ({ labels: { caller, service }, series }))
  const add = (
    name: string,
    type: 'counter' | 'histogram',
    help: string,
    labelNames: readonly string[],
    read: () => readonly Sample[],
  ) => {
    // prom-client has no counter or histogram that is computed when it is read; this is all its registry asks of one.
    const metric = { name, help, type, aggregator: 'sum', labelNames }
    registry.registerMetric({ ...metric, get: async () => ({ ...metric, values: read() }) } as never)
  }
  const both = (what: string, labels: readonly string[], told: string, read: () => readonly Labelled[]) => {
    const durations = `mesh_${what}_duration_seconds`
    add(durations, 'histogram', `Durations of ${told}.`, labels, () =>
      read().flatMap((each) => histogram(durations, each)),
    )
    const failures = `mesh_${what}_failures_total`
    const help = `Of ${told}, those that failed: 5xx, and gRPC statuses that are the server's fault.`
    add(failures, 'counter', help, labels, () =>
      read().map(({ labels: own, series }) => ({ labels: own, value: series.failures })),
    )
  }
  both('request', ['service'], 'requests, as the client sees them', services)
  both('instance_request', ['service', 'instance'], 'tries of instances', instances)
  both('edge_request', ['caller', 'service'], 'calls from service to service', edges)
}

function histogram(name: string, { labels, series }: Labelled): Sample[] {
  let total = 0
  const buckets = [...BUCKETS_S, '+Inf'].map((le, at) => {
    total += series.buckets[at]!
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: total }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: series.sumSeconds },
    { metricName: `${name}_count`, labels, value: total },
  ]
}
