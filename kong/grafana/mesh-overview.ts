import type { Dashboard } from './dashboard.ts'
import { stat, table, timeSeries, tracesLink } from './panels.ts'
import { errorRatio, quantile, type Red, requestRate } from './red-queries.ts'

const services: Red = { what: 'request', by: ['service'], where: '' }
const edges: Red = { what: 'edge_request', by: ['caller', 'service'], where: '' }
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: variables of Grafana
const links = [
  { title: 'Service', url: '/d/kongsul-service?var-service=${__field.labels.service}&${__url_time_range}' },
  tracesLink('${__field.labels.service}'),
]
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: variables of Grafana
const ERROR_STEPS = [
  { from: null, colour: 'green' },
  { from: 0.05, colour: 'yellow' },
  { from: 0.1, colour: 'red' },
] as const

export const MESH_OVERVIEW: Dashboard = {
  uid: 'kongsul-mesh',
  title: 'Mesh: overview',
  description: 'The mesh as a whole, and which service to look at.',
  variables: [],
  rows: [
    {
      title: 'Now',
      panels: [
        [
          4,
          4,
          stat({
            title: 'Healthy instances',
            description: 'Healthy over all instances of the mesh.',
            unit: 'percentunit',
            queries: [{ expr: 'min(mesh_health_score)', legend: 'healthy' }],
            steps: [
              { from: null, colour: 'red' },
              { from: 0.5, colour: 'yellow' },
              { from: 0.8, colour: 'green' },
            ],
          }),
        ],
        [
          4,
          4,
          stat({
            title: 'Requests',
            description: 'Requests to services of the mesh.',
            unit: 'reqps',
            queries: [{ expr: `sum(${requestRate(services)})`, legend: 'requests' }],
          }),
        ],
        [
          4,
          4,
          stat({
            title: 'Failed',
            description: '5xx, and gRPC statuses that are the server’s fault, over all requests.',
            unit: 'percentunit',
            queries: [{ expr: 'mesh:error_ratio:rate5m', legend: 'failed' }],
            steps: ERROR_STEPS,
          }),
        ],
        [
          4,
          4,
          stat({
            title: 'Services',
            description: 'Services in the catalog.',
            unit: 'none',
            queries: [{ expr: 'max(mesh_services)', legend: 'services' }],
          }),
        ],
        [
          4,
          4,
          stat({
            title: 'Open circuits',
            description: 'Of services and of instances.',
            unit: 'none',
            queries: [
              {
                expr: '(count(max by (service) (mesh_circuit_state{state=~"open|forced_open"}) == 1) or vector(0)) + (count(max by (service, instance) (mesh_instance_circuit_state{state="ejected"}) == 1) or vector(0))',
                legend: 'open',
              },
            ],
            steps: [
              { from: null, colour: 'green' },
              { from: 1, colour: 'yellow' },
            ],
          }),
        ],
        [
          4,
          4,
          stat({
            title: 'Alerts that fire',
            description: 'The operator’s own; those of Prometheus are drawn into the graphs.',
            unit: 'none',
            queries: [
              { expr: 'max(sum by (operator) (mesh_alerts{state="firing"})) or vector(0)', legend: 'alerts' },
            ],
            steps: [
              { from: null, colour: 'green' },
              { from: 1, colour: 'red' },
            ],
          }),
        ],
      ],
    },
    {
      title: 'Services',
      panels: [
        [
          12,
          8,
          timeSeries({
            title: 'Requests by service',
            description: 'As clients see them.',
            unit: 'reqps',
            queries: [{ expr: requestRate(services), legend: '{{service}}' }],
            links,
          }),
        ],
        [
          12,
          8,
          timeSeries({
            title: 'Failed by service',
            description: 'No line where there was no request.',
            unit: 'percentunit',
            queries: [{ expr: errorRatio(services), legend: '{{service}}' }],
            steps: ERROR_STEPS,
            links,
          }),
        ],
        [
          12,
          8,
          timeSeries({
            title: 'p95 by service',
            description: 'One request in 20 takes longer.',
            unit: 's',
            queries: [{ expr: quantile(0.95, services), legend: '{{service}}' }],
            links,
          }),
        ],
        [
          12,
          8,
          table({
            title: 'Instances that are not healthy',
            description: 'By service and health, as Consul has them.',
            unit: 'none',
            queries: [
              {
                expr: 'max by (service, health) (mesh_service_instances{health!="healthy"}) > 0',
                legend: '{{service}}',
              },
            ],
            links,
          }),
        ],
      ],
    },
    {
      title: 'Who calls whom',
      panels: [
        [
          12,
          8,
          timeSeries({
            title: 'Calls',
            description: 'From service to service, where the caller passes the trace on.',
            unit: 'reqps',
            queries: [{ expr: requestRate(edges), legend: '{{caller}} → {{service}}' }],
          }),
        ],
        [
          12,
          8,
          timeSeries({
            title: 'Failed calls',
            description: 'No line where there was no call.',
            unit: 'percentunit',
            queries: [{ expr: errorRatio(edges), legend: '{{caller}} → {{service}}' }],
            steps: ERROR_STEPS,
          }),
        ],
      ],
    },
  ],
}
