import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import pc from 'picocolors'
import { tapLine } from '../../../operator/cli/tap-line.ts'
import {
  serviceLines,
  type TopReport,
  topLines,
  wholeLines,
  worstFirst,
} from '../../../operator/cli/top-lines.ts'
import type { ServiceMetrics } from '../../../operator/metrics/mesh-numbers.ts'
import type { Tapped } from '../../../operator/metrics/outcome-tap.ts'

const paint = pc.createColors(false)
const serviceOf = (service_name: string, over: Partial<ServiceMetrics> = {}): ServiceMetrics => ({
  service_name,
  status: 'healthy',
  instance_count: 2,
  healthy_count: 2,
  unhealthy_count: 0,
  degraded_count: 0,
  request_rate: 10,
  error_rate: 0,
  p50_latency: 1,
  p95_latency: 2.345,
  p99_latency: 3,
  circuit_breakers_open: 0,
  active_connections: 0.25,
  health_percentage: 100,
  ...over,
})
const services = Object.fromEntries(
  [
    serviceOf('fine'),
    serviceOf('slow', { p95_latency: 900 }),
    serviceOf('failing', { error_rate: 12.34 }),
    serviceOf('cut', { circuit_breakers_open: 1 }),
    serviceOf('down', { healthy_count: 0, health_percentage: 0, request_rate: 0 }),
    serviceOf('limping', { healthy_count: 1, health_percentage: 50 }),
  ].map((service) => [service.service_name, service]),
)
const report: TopReport = {
  mesh_metrics: {
    total_services: 6,
    healthy_instances: 9,
    total_instances: 12,
    request_rate: 50,
    success_rate: 97.5,
    avg_latency: 12.3,
  },
  services,
  alerts: [
    { name: 'MeshServiceDown', severity: 'critical', state: 'firing', message: 'none left', silenced_by: [] },
    { name: 'MeshHeld', severity: 'warning', state: 'pending', message: 'soon', silenced_by: [] },
    { name: 'MeshHeld', severity: 'warning', state: 'firing', message: 'quiet', silenced_by: ['x'] },
  ],
}

test('the worst service is first: down, cut off, failing, limping, slow', () =>
  deepEqual(
    worstFirst(services).map(({ service_name }) => service_name),
    ['down', 'cut', 'failing', 'limping', 'slow', 'fine'],
  ))

test('idle is shown as idle, not as fine, and only what fires is told', () => {
  const lines = topLines(report, { width: () => 120, paint })
  match(lines[1]!, /^down +0\/2 +0 +- +- +- +- +0\.3 +closed$/)
  match(lines[3]!, /^failing +2\/2 +10 +12\.3 % +1 +2\.3 +3 /)
  equal(lines.at(-1), 'critical MeshServiceDown: none left')
  match(lines.at(-2)!, /^6 services, 9 of 12 instances healthy, 50 req\/s, 97.5 % fine, 12 ms on average\.$/)
  const idle = { ...report, mesh_metrics: { ...report.mesh_metrics, request_rate: 0 }, alerts: [] }
  match(topLines(idle, { width: () => 120, paint }).at(-1)!, /no requests in the last minute\.$/)
})

test('a request is one line, its tries are named, and a path cannot move the cursor', () => {
  const outcome: Tapped = {
    time: '2026-01-02T03:04:05.678Z',
    service_name: 'web',
    instance_id: 'web-2',
    instance: '10.0.0.2:80',
    status: 200,
    method: 'GET',
    path: '/a\u001b[2J\nb',
    duration: 12.34,
    source: 'upstream',
    tries: [
      { instance: '10.0.0.1:80', status: 'connect_error', duration: 1 },
      { instance: '10.0.0.2:80', status: 200, duration: 2 },
    ],
    trace_id: 'abc',
    request_id: null,
  }
  const line = tapLine(outcome, paint)
  equal(line, '03:04:05.678 200    12.3 ms GET /a�[2J�b web-2 after 10.0.0.1:80 connect_error trace abc')
  ok(tapLine({ ...outcome, instance: null, tries: [], source: 'exit' }, paint).includes('answered by Kong'))
})

test('what a service is called, and what it wrote, cannot move the cursor', () => {
  const bad = 'a\u001b[2J\u202e'
  const named = {
    ...report,
    services: { x: serviceOf(bad) },
    alerts: [{ ...report.alerts[0]!, message: bad }],
  }
  const lines = topLines(named, { width: () => 120, paint })
  const tapped = tapLine(
    {
      time: '2026-01-02T03:04:05.678Z',
      service_name: 'web',
      instance_id: bad,
      instance: bad,
      status: 200,
      method: bad,
      path: bad,
      duration: 1,
      source: 'upstream',
      tries: [
        { instance: bad, status: 'connect_error', duration: 1 },
        { instance: bad, status: 200, duration: 2 },
      ],
      trace_id: null,
      request_id: null,
    },
    paint,
  )
  for (const text of [...lines, tapped]) ok(!text.includes('\u001b') && !text.includes('\u202e'), text)
})

test('on a terminal the alerts beyond five are a number, so that the services stay in sight', () => {
  const [alert] = report.alerts
  const many = { ...report, alerts: Array.from({ length: 7 }, () => alert!) }
  const lines = wholeLines(many, { paint }, 5)
  equal(lines.filter((line) => line.startsWith('critical')).length, 5)
  equal(lines.at(-1), '2 more alerts: kongsul top -o json has all')
  equal(
    serviceLines(many, { width: () => 80, paint }).every((line) => line.length <= 80),
    true,
  )
})
