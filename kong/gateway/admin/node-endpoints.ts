/** What the node says of itself: its version and settings, its state, its endpoints. */

import { hostname } from 'node:os'
import { type Answer, message, notFound, ok } from './answer.ts'
import { NO_CONFIG_HASH } from './config-endpoints.ts'
import type { Database } from './database.ts'
import { type AdminRequest, param } from './request.ts'
import type { Endpoint } from './routing.ts'

/** See AdminOptions. */
export interface NodeInfo {
  readonly version: string
  readonly nodeId: string
  readonly plugins: readonly { readonly name: string; readonly version: string; readonly priority: number }[]
  readonly configuration?: Readonly<Record<string, unknown>>
  readonly connections?: () => Readonly<Record<string, number>>
  readonly metrics?: () => string | Promise<string>
}

/** Kong's defaults of the settings that tools look at. */
const CONFIGURATION = {
  admin_error_log: 'logs/error.log',
  database: 'postgres',
  db_update_frequency: 5,
  db_update_propagation: 0,
  log_level: 'notice',
  plugins: ['bundled'],
  role: 'traditional',
  router_flavor: 'traditional_compatible',
  worker_consistency: 'eventual',
  worker_state_update_frequency: 5,
}

const NO_CONNECTIONS = {
  connections_writing: 0,
  connections_waiting: 0,
  connections_active: 0,
  connections_handled: 0,
  connections_reading: 0,
  connections_accepted: 0,
  total_requests: 0,
}

export function nodeEndpoints(db: Database, node: NodeInfo, paths: () => readonly string[]): Endpoint[] {
  const { metrics } = node
  const isDbOnly = () =>
    message(400, 'this endpoint is only available when Kong is configured to not use a database')
  const isControlPlane = node.configuration?.['role'] === 'control_plane'
  const dataPlanes = () =>
    isControlPlane
      ? ok({ data: [], next: null })
      : message(
          400,
          'this endpoint is only available when Kong is configured to run as Control Plane for the cluster',
        )
  return [
    { path: '/', methods: { GET: () => about(db, node) } },
    { path: '/status', methods: { GET: () => status(db, node) } },
    { path: '/endpoints', methods: { GET: () => ok({ data: paths() }) } },
    {
      path: '/timers',
      methods: { GET: () => ok({ worker: { id: 0, count: 1 }, stats: { sys: {}, timers: {} } }) },
    },
    { path: '/config', methods: { GET: isDbOnly, POST: isDbOnly } },
    { path: '/clustering/data-planes', methods: { GET: dataPlanes } },
    {
      path: '/status/dns',
      methods: { GET: () => message(501, 'not implemented with the legacy DNS client') },
    },
    ...logLevelEndpoints(String(node.configuration?.['log_level'] ?? CONFIGURATION.log_level)),
    { path: '/cache/{key}', methods: { GET: notFound, DELETE: () => ({ status: 204 }) } },
    { path: '/cache', methods: { DELETE: () => ({ status: 204 }) } },
    ...(metrics
      ? [{ path: '/metrics', methods: { GET: async () => ({ status: 200, text: await metrics() }) } }]
      : []),
  ]
}

const LOG_LEVELS = ['debug', 'info', 'notice', 'warn', 'error', 'crit', 'alert', 'emerg']

/** The level is only remembered: the gateway's own log has a level of its own. */
function logLevelEndpoints(initial: string): Endpoint[] {
  let level = initial
  const change = (request: AdminRequest): Answer => {
    const wanted = param(request, 'log_level')
    if (!LOG_LEVELS.includes(wanted)) return message(400, `unknown log level: ${wanted}`)
    if (wanted === level) return message(200, `log level is already ${wanted}`)
    level = wanted
    return message(200, 'log level changed')
  }
  return [
    { path: '/debug/node/log-level', methods: { GET: () => message(200, `log level: ${level}`) } },
    { path: '/debug/node/log-level/{log_level}', methods: { PUT: change } },
    { path: '/debug/cluster/log-level/{log_level}', methods: { PUT: change } },
  ]
}

function about(db: Database, node: NodeInfo): Answer {
  const used = new Set<unknown>()
  for (const plugin of db.store.all('plugins')) used.add(plugin['name'])
  return ok({
    version: node.version,
    edition: 'community',
    tagline: 'Welcome to kong',
    hostname: hostname(),
    node_id: node.nodeId,
    lua_version: 'none (dev gateway)',
    pids: { master: process.pid, workers: [process.pid] },
    timers: { running: 0, pending: 0 },
    plugins: {
      available_on_server: byName(node, ({ version, priority }) => ({ version, priority })),
      enabled_in_cluster: [...used],
    },
    configuration: { ...CONFIGURATION, ...node.configuration, loaded_plugins: byName(node, () => true) },
  })
}

const byName = <T>(
  { plugins }: NodeInfo,
  of: (plugin: NodeInfo['plugins'][number]) => T,
): Record<string, T> => Object.fromEntries(plugins.map((plugin) => [plugin.name, of(plugin)]))

function status({ store, isDbless }: Database, node: NodeInfo): Answer {
  const { heapUsed } = process.memoryUsage()
  const allocated = `${(heapUsed / 1024 / 1024).toFixed(2)} MiB`
  return ok({
    server: node.connections?.() ?? NO_CONNECTIONS,
    memory: {
      workers_lua_vms: [{ pid: process.pid, http_allocated_gc: allocated }],
      lua_shared_dicts: {},
    },
    ...(isDbless
      ? { configuration_hash: store.configurationHash ?? NO_CONFIG_HASH }
      : { database: { reachable: true } }),
  })
}
