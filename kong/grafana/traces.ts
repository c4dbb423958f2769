import type { Dashboard } from './dashboard.ts'
import { stat, timeSeries, traceTable } from './panels.ts'
import { perSecond } from './red-queries.ts'

export const TRACES: Dashboard = {
  uid: 'kongsul-traces',
  title: 'Mesh: traces',
  description: 'The newest traces, and whether spans arrive.',
  variables: [
    {
      name: 'service',
      label: 'Service',
      query: 'label_values(mesh_service_instances, service)',
      includesAll: false,
    },
  ],
  rows: [
    {
      title: 'Traces',
      panels: [
        [24, 12, traceTable('Newest traces of $service', 'A click on an id shows the trace.', '$service')],
      ],
    },
    {
      title: 'On their way',
      panels: [
        [
          6,
          8,
          stat({
            title: 'Dropped spans',
            description: 'In the last hour.',
            unit: 'short',
            queries: [
              { expr: 'sum(increase(mesh_spans_dropped_total[1h])) or vector(0)', legend: 'dropped' },
            ],
            steps: [
              { from: null, colour: 'green' },
              { from: 1, colour: 'yellow' },
            ],
          }),
        ],
        [
          6,
          8,
          timeSeries({
            title: 'Exported spans',
            description: 'By collector.',
            unit: 'ops',
            queries: [{ expr: perSecond('mesh_spans_exported_total', ['exporter']), legend: '{{exporter}}' }],
          }),
        ],
        [
          6,
          8,
          timeSeries({
            title: 'Spans that wait',
            description: 'In the plugin processes.',
            unit: 'short',
            queries: [{ expr: 'sum by (exporter) (mesh_spans_queued)', legend: '{{exporter}}' }],
          }),
        ],
        [
          6,
          8,
          timeSeries({
            title: 'Dropped, by reason',
            description: 'No line: none.',
            unit: 'ops',
            queries: [
              {
                expr: `${perSecond('mesh_spans_dropped_total', ['exporter', 'reason'])} > 0`,
                legend: '{{exporter}} {{reason}}',
              },
            ],
          }),
        ],
      ],
    },
  ],
}
