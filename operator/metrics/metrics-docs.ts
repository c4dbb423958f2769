// docs/metrics.md, made of the metrics themselves: `npm run generate`. A test says when it is not current.
import type { Registry } from 'prom-client'

/** One process that Prometheus scrapes. */
export interface DocumentedProcess {
  readonly title: string
  readonly about: string
  readonly registries: readonly Registry[]
}

interface Described {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly labelNames?: readonly string[]
}

export function metricsDocument(processes: readonly DocumentedProcess[], after: string): string {
  const parts = processes.map(({ title, about, registries }) => {
    const rows = registries
      .flatMap((registry) => registry.getMetricsAsArray() as unknown as Described[])
      .filter(({ name }) => name.startsWith('mesh_'))
      .sort((left, right) => (left.name < right.name ? -1 : 1))
      .map(({ name, type, labelNames = [], help }) => {
        const labels = labelNames.map((label) => `\`${label}\``).join(', ')
        return `| \`${name}\` | ${TYPES[type] ?? type} | ${labels} | ${help.replaceAll('|', '\\|')} |`
      })
    return [
      `## ${title}`,
      '',
      about,
      '',
      '| Name | Kind | Labels | Meaning |',
      '| --- | --- | --- | --- |',
      ...rows,
    ]
  })
  return `${[HEAD, ...parts.flatMap((part) => ['', ...part]), '', after.trim()].join('\n')}\n`
}

/** prom-client numbers the kinds of its own metrics in some places and names them in others. */
const TYPES: Readonly<Record<string, string>> = {
  Counter: 'counter',
  Gauge: 'gauge',
  Histogram: 'histogram',
}

const HEAD = `# Metrics

<!-- Made by \`npm run generate\`: what is changed here by hand is lost. -->

Prometheus scrapes the operator (\`:8080/metrics\`), the plugin process beside each Kong (\`:8082/metrics\`), Kong
(\`:8001/metrics\`) and Consul: [prometheus.yml](../kong/prometheus/prometheus.yml). Rules and alerts:
[mesh.rules.yml](../kong/prometheus/mesh.rules.yml), with what to do about each on its page of the [runbook](runbook.md). Dashboards for
Grafana: [kong/grafana](../kong/grafana/README.md).

- Durations are in seconds. \`service\` is the Consul service, \`instance\` the \`host:port\` of one of its instances: scrape with
  \`honor_labels\`, which keeps Prometheus from naming the scraped process so. A circuit of one address of a host name is
  \`name:port@ip:port\`.
- Every operator counts every request, the leader and the others. Take the maximum over operators, not the sum.
- No path, no trace id and no user is ever a label. Series are bounded: 2,000 services, 2,000 instances and 1,000 edges have
  histograms; what comes after counts as \`other\`. Series of what has left the catalog are removed within seconds.
- Beside these each process has the usual \`process_*\` and \`nodejs_*\` of [prom-client](https://github.com/siimon/prom-client).`
