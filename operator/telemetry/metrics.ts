// The operator's own metrics, in a registry of their own so that tests and several operators in one process do
// not share counters. Every label value that can be known is at zero from the start: a rate query misses nothing.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export const OUTCOMES = ['in_sync', 'applied', 'failed', 'refused', 'dry_run', 'paused'] as const
export type ReconcileOutcome = (typeof OUTCOMES)[number]

const KINDS = ['upstream', 'target', 'service', 'route', 'plugin'] as const
const ACTIONS = ['create', 'update', 'delete'] as const
const CONSUL_ENDPOINTS = [
  'health.state',
  'catalog.service.list',
  'catalog.node.list',
  'catalog.node.services',
  'internal.ui.nodes',
  'internal.ui.services',
  'health.service',
  'kv.get',
  'kv.set',
  'kv.delete',
  'kv.acquire',
  'kv.release',
  'agent.service.register',
  'agent.service.deregister',
  'agent.check.pass',
  'agent.check.list',
  'agent.check.update',
  'agent.self',
  'agent.service.get',
  'session.create',
  'session.renew',
  'session.destroy',
] as const
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
const CALL_OUTCOMES = ['ok', 'refused', 'failed'] as const
const HEALTH = ['healthy', 'degraded', 'unhealthy'] as const

export type Metrics = ReturnType<typeof createMetrics>

/** Registers everything; `version` goes into `mesh_build_info`. */
export function createMetrics(version: string) {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })

  const metrics = {
    registry,
    leader: new Gauge({
      name: 'mesh_leader',
      help: '1 while this operator is the one that writes to Kong.',
      registers,
    }),
    reconcile: new Counter({
      name: 'mesh_reconcile_total',
      help: 'Reconciliations of one service, by outcome.',
      labelNames: ['outcome'],
      registers,
    }),
    changes: new Counter({
      name: 'mesh_changes_total',
      help: 'Changes written to Kong, by kind of entity and action.',
      labelNames: ['kind', 'action'],
      registers,
    }),
    syncLag: new Histogram({
      name: 'mesh_sync_lag_seconds',
      help: 'From the answer of Consul that told of a change until Kong had taken all of it.',
      buckets: [0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30],
      registers,
    }),
    consulRequests: new Counter({
      name: 'mesh_consul_requests_total',
      help: 'Requests sent to Consul, by endpoint.',
      labelNames: ['endpoint'],
      registers,
    }),
    consulErrors: new Counter({
      name: 'mesh_consul_errors_total',
      help: 'Requests to Consul that failed, by endpoint; each leaves the mesh as it is.',
      labelNames: ['endpoint'],
      registers,
    }),
    kongRequests: new Counter({
      name: 'mesh_kong_requests_total',
      help: 'Calls of the Admin API: ok, refused (an answer of 400 and more) or failed (no answer).',
      labelNames: ['method', 'outcome'],
      registers,
    }),
    requests: new Counter({
      name: 'mesh_requests_total',
      help: 'Requests as the plugins report them, by service, instance of the last try and class of status.',
      labelNames: ['service', 'instance', 'status'],
      registers,
    }),
    outcomes: new Counter({
      name: 'mesh_outcomes_received_total',
      help: 'Lines of outcomes received: counted, or dropped because they are none.',
      labelNames: ['result'],
      registers,
    }),
    migrationTasks: new Counter({
      name: 'mesh_migration_tasks_total',
      help: 'Tasks of the old API by topic, mode of its migration and what became of them; topics without one share "*" once they are many.',
      labelNames: ['topic', 'mode', 'result'],
      registers,
    }),
    services: gauge('mesh_services', 'Services in the catalog as last applied.'),
    instances: new Gauge({
      name: 'mesh_instances',
      help: 'Instances by health.',
      labelNames: ['health'],
      registers,
    }),
    overrides: gauge('mesh_overrides', 'Fields edited by somebody through the Admin API and kept.'),
    problems: gauge('mesh_problems', 'Problems found while deciding what Kong should look like.'),
    pauses: gauge('mesh_pauses', 'Pauses in force: services, and the whole mesh as one.'),
    refusedSettings: gauge('mesh_settings_refused', 'Documents in KV that do not validate.'),
    queue: gauge('mesh_queue', 'Services that wait to be applied or tried again.'),
    held: gauge('mesh_held_removals', 'Removals held back because too much vanished at once.'),
    heldWeights: gauge(
      'mesh_held_weights',
      'Critical instances that keep their weight because too many turned critical at once.',
    ),
    alerts: new Gauge({
      name: 'mesh_alerts',
      help: 'Alerts by name, severity and state (pending, firing).',
      labelNames: ['name', 'severity', 'state'],
      registers,
    }),
    silences: gauge('mesh_silences', 'Silences in force.'),
    refusedAlerts: gauge('mesh_alert_thresholds_refused', '1 while KV mesh/alerts does not validate.'),
    alertNotifications: new Counter({
      name: 'mesh_alert_notifications_total',
      help: 'Posts of alerts to the webhook, by what became of them.',
      labelNames: ['result'],
      registers,
    }),
    certificateEnd: new Gauge({
      name: 'mesh_certificate_expiry_timestamp_seconds',
      help: 'When certificates of Kong end; the first 500, by SNI.',
      labelNames: ['name', 'id'],
      registers,
    }),
    oldestOverride: gauge(
      'mesh_override_oldest_timestamp_seconds',
      'When the oldest override that is kept was noticed; 0 without one.',
    ),
    marks: new Gauge({
      name: 'mesh_passive_marks',
      help: 'Targets that Kong has marked unhealthy and Consul calls healthy, by node.',
      labelNames: ['node'],
      registers,
    }),
    putBacks: new Counter({
      name: 'mesh_put_back_total',
      help: 'Targets put back after a mark of Kong.',
      registers,
    }),
    consulConnected: gauge('mesh_consul_connected', '1 while reads of Consul succeed.'),
    kongConnected: new Gauge({
      name: 'mesh_kong_connected',
      help: '1 while the Admin API answers, by node.',
      labelNames: ['node'],
      registers,
    }),
    configPosts: new Counter({
      name: 'mesh_kong_config_posts_total',
      help: 'Configurations posted to nodes without database: ok, refused or failed.',
      labelNames: ['node', 'outcome'],
      registers,
    }),
    configPostSeconds: new Histogram({
      name: 'mesh_kong_config_post_seconds',
      help: 'How long a node without database took for a configuration.',
      labelNames: ['node'],
      buckets: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
      registers,
    }),
    lastSync: new Gauge({
      name: 'mesh_last_sync_timestamp_seconds',
      help: 'When Kong was last seen equal to Consul, by node.',
      labelNames: ['node'],
      registers,
    }),
    buildInfo: new Gauge({
      name: 'mesh_build_info',
      help: 'Always 1; the version is in the label.',
      labelNames: ['version', 'node'],
      registers,
    }),
  }

  for (const outcome of OUTCOMES) metrics.reconcile.inc({ outcome }, 0)
  for (const kind of KINDS) for (const action of ACTIONS) metrics.changes.inc({ kind, action }, 0)
  for (const endpoint of CONSUL_ENDPOINTS) {
    metrics.consulRequests.inc({ endpoint }, 0)
    metrics.consulErrors.inc({ endpoint }, 0)
  }
  for (const method of METHODS)
    for (const outcome of CALL_OUTCOMES) metrics.kongRequests.inc({ method, outcome }, 0)
  for (const result of ['counted', 'dropped']) metrics.outcomes.inc({ result }, 0)
  for (const result of ['sent', 'failed']) metrics.alertNotifications.inc({ result }, 0)
  for (const health of HEALTH) metrics.instances.set({ health }, 0)
  metrics.buildInfo.set({ version, node: process.version }, 1)
  return metrics

  function gauge(name: string, help: string): Gauge {
    return new Gauge({ name, help, registers })
  }
}
