import type { Dashboard } from './dashboard.ts'
import { stat, table, timeSeries } from './panels.ts'
import { errorRatio, perSecond, type Red } from './red-queries.ts'

const instances: Red = { what: 'instance_request', by: ['service', 'instance'], where: 'service=~"$service"' }

export const INSTANCES_CIRCUITS: Dashboard = {
  uid: 'kongsul-circuits',
  title: 'Mesh: instances and circuits',
  description: 'What the circuit breaker does, and which instances are out.',
  variables: [
    {
      name: 'service',
      label: 'Service',
      query: 'label_values(mesh_circuit_state, service)',
      includesAll: true,
    },
  ],
  rows: [
    {
      title: 'Now',
      panels: [
        [
          6,
          4,
          stat({
            title: 'Ejected instances',
            description: 'Taken out of Kong although their health checks pass.',
            unit: 'none',
            queries: [
              {
                expr: 'count(max by (service, instance) (mesh_instance_circuit_state{state="ejected",service=~"$service"}) == 1) or vector(0)',
                legend: 'ejected',
              },
            ],
            steps: [
              { from: null, colour: 'green' },
              { from: 1, colour: 'yellow' },
            ],
          }),
        ],
        [
          6,
          4,
          stat({
            title: 'Open circuits of services',
            description: 'Requests are refused with 503.',
            unit: 'none',
            queries: [
              {
                expr: 'count(max by (service) (mesh_circuit_state{state=~"open|forced_open",service=~"$service"}) == 1) or vector(0)',
                legend: 'open',
              },
            ],
            steps: [
              { from: null, colour: 'green' },
              { from: 1, colour: 'red' },
            ],
          }),
        ],
        [
          6,
          4,
          stat({
            title: 'Services in panic',
            description: 'Too few instances are left: all get requests.',
            unit: 'none',
            queries: [
              { expr: 'sum(max by (service) (mesh_circuit_panic{service=~"$service"}))', legend: 'panic' },
            ],
            steps: [
              { from: null, colour: 'green' },
              { from: 1, colour: 'red' },
            ],
          }),
        ],
        [
          6,
          4,
          stat({
            title: 'Marks of Kong',
            description: 'Targets that Kong’s own checks keep out and Consul calls healthy.',
            unit: 'none',
            queries: [{ expr: 'sum(max by (node) (mesh_passive_marks))', legend: 'marks' }],
            steps: [
              { from: null, colour: 'green' },
              { from: 1, colour: 'yellow' },
            ],
          }),
        ],
      ],
    },
    {
      title: 'Circuits',
      panels: [
        [
          12,
          8,
          table({
            title: 'Not closed',
            description: 'Circuits of instances and the state they are in.',
            unit: 'none',
            queries: [
              {
                expr: 'max by (service, instance, state) (mesh_instance_circuit_state{state!="closed",service=~"$service"}) == 1',
                legend: '{{instance}}',
              },
            ],
          }),
        ],
        [
          12,
          8,
          timeSeries({
            title: 'Transitions',
            description: 'By kind of circuit and the state they went to.',
            unit: 'ops',
            queries: [
              {
                expr: perSecond('mesh_circuit_transitions_total', ['circuit', 'to']),
                legend: '{{circuit}} {{to}}',
              },
            ],
          }),
        ],
        [
          12,
          8,
          timeSeries({
            title: 'Refused requests',
            description: 'By an open circuit.',
            unit: 'reqps',
            queries: [
              {
                expr: perSecond('mesh_circuit_refusals_total{service=~"$service"}', ['service']),
                legend: '{{service}}',
              },
            ],
          }),
        ],
        [
          12,
          8,
          timeSeries({
            title: 'Ejections and returns',
            description: 'Marks written to Kong.',
            unit: 'ops',
            queries: [
              { expr: perSecond('mesh_ejections_total', ['node']), legend: 'out, {{node}}' },
              { expr: perSecond('mesh_ejection_returns_total', ['node']), legend: 'back, {{node}}' },
            ],
          }),
        ],
      ],
    },
    {
      title: 'Instances',
      panels: [
        [
          24,
          8,
          timeSeries({
            title: 'Failed by instance',
            description: 'What the breaker judges. No line where there was no request.',
            unit: 'percentunit',
            queries: [{ expr: errorRatio(instances), legend: '{{service}} {{instance}}' }],
          }),
        ],
      ],
    },
  ],
}
