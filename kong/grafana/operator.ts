import type { Dashboard } from './dashboard.ts'
import { stat, timeSeries } from './panels.ts'
import { perSecond } from './red-queries.ts'

const UP_STEPS = [
  { from: null, colour: 'red' },
  { from: 1, colour: 'green' },
] as const
const NONE_STEPS = [
  { from: null, colour: 'green' },
  { from: 1, colour: 'yellow' },
] as const

export const OPERATOR: Dashboard = {
  uid: 'kongsul-operator',
  title: 'Mesh: operator',
  description: 'Whether Kong is kept equal to Consul, how fast, and what is in the way.',
  variables: [],
  rows: [
    {
      title: 'Now',
      panels: [
        [
          4,
          4,
          stat({
            title: 'Leaders',
            description: 'Operators that write: 1 is right.',
            unit: 'none',
            queries: [{ expr: 'sum(mesh_leader)', legend: 'leaders' }],
            steps: UP_STEPS,
          }),
        ],
        [
          4,
          4,
          stat({
            title: 'Consul',
            description: '1 while reads succeed.',
            unit: 'none',
            queries: [{ expr: 'min(mesh_consul_connected)', legend: 'connected' }],
            steps: UP_STEPS,
          }),
        ],
        [
          4,
          4,
          stat({
            title: 'Kong',
            description: '1 while the Admin API of every node answers.',
            unit: 'none',
            queries: [{ expr: 'min(max by (node) (mesh_kong_connected))', legend: 'connected' }],
            steps: UP_STEPS,
          }),
        ],
        [
          4,
          4,
          stat({
            title: 'Overrides',
            description: 'Fields edited by hand in Kong and kept.',
            unit: 'none',
            queries: [{ expr: 'max(mesh_overrides)', legend: 'overrides' }],
            steps: NONE_STEPS,
          }),
        ],
        [
          4,
          4,
          stat({
            title: 'Held',
            description: 'Held because too much happened at once.',
            unit: 'none',
            queries: [{ expr: 'max(mesh_held_removals) + max(mesh_held_weights)', legend: 'held' }],
            steps: NONE_STEPS,
          }),
        ],
        [
          4,
          4,
          stat({
            title: 'Refused documents',
            description: 'In KV, that do not validate.',
            unit: 'none',
            queries: [
              { expr: 'max(mesh_settings_refused) + max(mesh_alert_thresholds_refused)', legend: 'refused' },
            ],
            steps: NONE_STEPS,
          }),
        ],
      ],
    },
    {
      title: 'From Consul to Kong',
      panels: [
        [
          12,
          8,
          timeSeries({
            title: 'Lag',
            description: 'From the answer of Consul that told of a change until Kong had all of it.',
            unit: 's',
            queries: [0.5, 0.95].map((q) => ({
              expr: `histogram_quantile(${q}, sum by (le) (rate(mesh_sync_lag_seconds_bucket[$__rate_interval])))`,
              legend: `p${q * 100}`,
            })),
          }),
        ],
        [
          12,
          8,
          timeSeries({
            title: 'Reconciliations',
            description: 'By outcome.',
            unit: 'ops',
            queries: [{ expr: perSecond('mesh_reconcile_total', ['outcome']), legend: '{{outcome}}' }],
          }),
        ],
        [
          12,
          8,
          timeSeries({
            title: 'Changes',
            description: 'Written to Kong.',
            unit: 'ops',
            queries: [
              { expr: perSecond('mesh_changes_total', ['kind', 'action']), legend: '{{action}} {{kind}}' },
            ],
          }),
        ],
        [
          12,
          8,
          timeSeries({
            title: 'Waiting',
            description: 'Services that wait to be applied or tried again, and problems found.',
            unit: 'none',
            queries: [
              { expr: 'max(mesh_queue)', legend: 'queue' },
              { expr: 'max(mesh_problems)', legend: 'problems' },
              { expr: 'max(mesh_pauses)', legend: 'pauses' },
            ],
          }),
        ],
      ],
    },
    {
      title: 'Calls',
      panels: [
        [
          8,
          8,
          timeSeries({
            title: 'Admin API',
            description: 'By outcome.',
            unit: 'ops',
            queries: [{ expr: perSecond('mesh_kong_requests_total', ['outcome']), legend: '{{outcome}}' }],
          }),
        ],
        [
          8,
          8,
          timeSeries({
            title: 'Consul',
            description: 'Requests, and those that failed.',
            unit: 'ops',
            queries: [
              {
                expr: perSecond('mesh_consul_requests_total', ['operator']),
                legend: 'requests, {{operator}}',
              },
              { expr: perSecond('mesh_consul_errors_total', ['operator']), legend: 'failed, {{operator}}' },
            ],
          }),
        ],
        [
          8,
          8,
          timeSeries({
            title: 'Outcomes of requests',
            description: 'As plugin processes tell them: counted, or dropped.',
            unit: 'ops',
            queries: [
              {
                expr: perSecond('mesh_outcomes_received_total', ['result', 'operator']),
                legend: '{{result}}, {{operator}}',
              },
            ],
          }),
        ],
      ],
    },
    {
      title: 'Processes',
      panels: [
        [
          8,
          8,
          timeSeries({
            title: 'Memory',
            description: 'Resident.',
            unit: 'bytes',
            queries: [
              {
                expr: 'process_resident_memory_bytes{job=~"kongsul-.*"}',
                legend: '{{job}} {{operator}}{{node}}',
              },
            ],
          }),
        ],
        [
          8,
          8,
          timeSeries({
            title: 'Processor',
            description: 'Of one core.',
            unit: 'percentunit',
            queries: [
              {
                expr: 'rate(process_cpu_seconds_total{job=~"kongsul-.*"}[$__rate_interval])',
                legend: '{{job}} {{operator}}{{node}}',
              },
            ],
          }),
        ],
        [
          8,
          8,
          timeSeries({
            title: 'Calls of Kong to plugins',
            description: 'How long an answer takes.',
            unit: 's',
            queries: [
              {
                expr: 'histogram_quantile(0.99, sum by (le, plugin) (rate(mesh_plugin_rpc_duration_seconds_bucket[$__rate_interval])))',
                legend: 'p99 {{plugin}}',
              },
            ],
          }),
        ],
        [
          8,
          8,
          timeSeries({
            title: 'Calls that went wrong',
            description: 'By plugin and what did.',
            unit: 'ops',
            queries: [
              {
                expr: `${perSecond('mesh_plugin_rpc_errors_total', ['plugin', 'kind'])} > 0`,
                legend: '{{plugin}} {{kind}}',
              },
            ],
          }),
        ],
        [
          8,
          8,
          timeSeries({
            title: 'Alerts posted',
            description: 'To alerts.webhook.',
            unit: 'ops',
            queries: [
              { expr: perSecond('mesh_alert_notifications_total', ['result']), legend: '{{result}}' },
            ],
          }),
        ],
        [
          8,
          8,
          timeSeries({
            title: 'Requests of Kong',
            description: 'Of each node, those to no service of the mesh too.',
            unit: 'reqps',
            queries: [{ expr: 'rate(kong_nginx_requests_total[$__rate_interval])', legend: '{{instance}}' }],
          }),
        ],
      ],
    },
  ],
}
