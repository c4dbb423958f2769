import type { Dashboard } from './dashboard.ts'
import { stat, timeSeries, tracesLink, traceTable } from './panels.ts'
import { errorRatio, quantile, type Red, requestRate } from './red-queries.ts'

const one: Red = { what: 'request', by: ['service'], where: 'service="$service"' }
const instances: Red = { what: 'instance_request', by: ['instance'], where: 'service="$service"' }
const callers: Red = { what: 'edge_request', by: ['caller'], where: 'service="$service"' }
const callees: Red = { what: 'edge_request', by: ['service'], where: 'caller="$service"' }
const ERROR_STEPS = [
  { from: null, colour: 'green' },
  { from: 0.05, colour: 'yellow' },
  { from: 0.1, colour: 'red' },
] as const
const links = [tracesLink('$service')]

export const SERVICE: Dashboard = {
  uid: 'kongsul-service',
  title: 'Mesh: service',
  description: 'One service: its requests, its instances, who calls it and whom it calls.',
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
      title: '$service',
      panels: [
        [
          6,
          4,
          stat({
            title: 'Healthy',
            description: 'Instances that Consul calls healthy.',
            unit: 'none',
            queries: [
              { expr: 'max(mesh_service_instances{service="$service",health="healthy"})', legend: 'healthy' },
            ],
            steps: [
              { from: null, colour: 'red' },
              { from: 1, colour: 'green' },
            ],
          }),
        ],
        [
          6,
          4,
          stat({
            title: 'Requests',
            description: 'As clients see them.',
            unit: 'reqps',
            queries: [{ expr: requestRate(one), legend: 'requests' }],
            links,
          }),
        ],
        [
          6,
          4,
          stat({
            title: 'Failed',
            description: 'No data where there was no request.',
            unit: 'percentunit',
            queries: [{ expr: errorRatio(one), legend: 'failed' }],
            steps: ERROR_STEPS,
            links,
          }),
        ],
        [
          6,
          4,
          stat({
            title: 'p95',
            description: 'One request in 20 takes longer.',
            unit: 's',
            queries: [{ expr: quantile(0.95, one), legend: 'p95' }],
            steps: [
              { from: null, colour: 'green' },
              { from: 1, colour: 'yellow' },
              { from: 3, colour: 'red' },
            ],
            links,
          }),
        ],
        [
          12,
          8,
          timeSeries({
            title: 'Requests by class of status',
            description: 'What clients got.',
            unit: 'reqps',
            queries: [
              {
                expr: 'max by (status) (sum by (status, operator) (rate(mesh_requests_total{service="$service"}[$__rate_interval])))',
                legend: '{{status}}',
              },
            ],
            links,
          }),
        ],
        [
          12,
          8,
          timeSeries({
            title: 'Durations',
            description: 'From the first byte of the request to the last of the answer.',
            unit: 's',
            queries: [
              { expr: quantile(0.5, one), legend: 'p50' },
              { expr: quantile(0.95, one), legend: 'p95' },
              { expr: quantile(0.99, one), legend: 'p99' },
            ],
            links,
          }),
        ],
      ],
    },
    {
      title: 'Instances',
      panels: [
        [
          8,
          8,
          timeSeries({
            title: 'Tries by instance',
            description: 'Each try counts, also one that was followed by another.',
            unit: 'reqps',
            queries: [{ expr: requestRate(instances), legend: '{{instance}}' }],
          }),
        ],
        [
          8,
          8,
          timeSeries({
            title: 'Failed by instance',
            description: 'Refused connections and timeouts count as well.',
            unit: 'percentunit',
            queries: [{ expr: errorRatio(instances), legend: '{{instance}}' }],
            steps: ERROR_STEPS,
          }),
        ],
        [
          8,
          8,
          timeSeries({
            title: 'p95 by instance',
            description: 'Of single tries.',
            unit: 's',
            queries: [{ expr: quantile(0.95, instances), legend: '{{instance}}' }],
          }),
        ],
        [
          12,
          8,
          timeSeries({
            title: 'Instances by health',
            description: 'As Consul has them.',
            unit: 'none',
            queries: [
              { expr: 'max by (health) (mesh_service_instances{service="$service"})', legend: '{{health}}' },
            ],
          }),
        ],
        [
          12,
          8,
          timeSeries({
            title: 'Circuits that are not closed',
            description: '1 for the state that a circuit is in.',
            unit: 'none',
            queries: [
              {
                expr: 'max by (state) (mesh_circuit_state{service="$service",state!="closed"}) > 0',
                legend: 'service: {{state}}',
              },
              {
                expr: 'max by (instance, state) (mesh_instance_circuit_state{service="$service",state!="closed"}) > 0',
                legend: '{{instance}}: {{state}}',
              },
            ],
          }),
        ],
      ],
    },
    {
      title: 'Who calls it, whom it calls',
      panels: [
        [
          12,
          8,
          timeSeries({
            title: 'Callers',
            description: 'Where they pass the trace on.',
            unit: 'reqps',
            queries: [{ expr: requestRate(callers), legend: '{{caller}}' }],
          }),
        ],
        [
          12,
          8,
          timeSeries({
            title: 'Called',
            description: 'Where it passes the trace on.',
            unit: 'reqps',
            queries: [{ expr: requestRate(callees), legend: '{{service}}' }],
          }),
        ],
        [24, 10, traceTable('Traces', 'The newest of this service.', '$service')],
      ],
    },
  ],
}
