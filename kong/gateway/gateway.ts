/**
 * The dev gateway: a stand-in for Kong 3.9 on laptops and in tests. Never for production.
 * `startGateway` joins the store, the Admin API (admin/) and the data plane (router/, balancer/, proxy/,
 * plugins-runtime/). Rows are the only thing they share: the Admin API writes them, the data plane follows.
 */
import { randomUUID } from 'node:crypto'
import { startAccessLog } from './access-log/access-log.ts'
import { startAdmin } from './admin/server.ts'
import type { BalancerHealth } from './balancer/health.ts'
import { ClusterNode } from './cluster/cluster-node.ts'
import type { GatewayLog } from './gateway-log.ts'
import { nodeMetrics } from './node-metrics.ts'
import { readPluginDefinitions } from './plugin-definitions.ts'
import { startPluginServers } from './plugin-server/start-plugin-servers.ts'
import { BUNDLED_PLUGINS } from './plugins-runtime/bundled-plugins.ts'
import { PluginChains } from './plugins-runtime/plugin-chain.ts'
import { ActiveChecks } from './proxy/active-checks.ts'
import { Balancers } from './proxy/balancers.ts'
import { certificateChooser, createDefaultCertificate } from './proxy/certificates.ts'
import { TrustedProxies } from './proxy/client-ip.ts'
import { ConnectionPool } from './proxy/connection-pool.ts'
import type { DataPlane } from './proxy/data-plane.ts'
import { type Listener, startListener } from './proxy/listener.ts'
import { followRoutes } from './proxy/live-config.ts'
import type { RequestContext } from './proxy/request-context.ts'
import { HostResolver } from './proxy/resolve-host.ts'
import { type GatewaySettings, readSettings } from './settings.ts'
import { Store } from './store.ts'

export type { GatewayLog } from './gateway-log.ts'

export interface GatewayOptions {
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string
  /** 0 takes any free port, here and below. */
  readonly proxyPort: number
  /** No TLS listener without it. */
  readonly proxyTlsPort?: number
  readonly adminPort: number
  /** Rows come from POST /config instead of a database; also with KONG_DATABASE=off. Default false. */
  readonly dbless?: boolean
  /** Where rows survive a restart; gateways with the same file are a cluster. In memory only without it. */
  readonly stateFile?: string
  readonly log: GatewayLog
  /** KONG_* variables. */
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface Gateway {
  readonly proxyPort: number
  readonly proxyTlsPort: number | undefined
  readonly adminPort: number
  /** Lets requests in flight finish for a moment, then cuts them. */
  close(): Promise<void>
}

const VERSION = '3.9.1'
const CLOSE_GRACE_MS = 2_000

/** Starts the gateway. Rejects when a port is taken, a setting makes no sense or the state file cannot be used. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { log, env } = options
  const host = options.host ?? '127.0.0.1'
  log.warn('this is the dev gateway, a stand-in for Kong: never use it for production')
  const settings = readSettings(env)
  const isDbless = options.dbless ?? settings.isDbless
  const enabled = await readPluginDefinitions(settings)
  const accessLog = startAccessLog(settings)
  const nodeId = randomUUID()
  const cluster =
    options.stateFile === undefined
      ? undefined
      : await ClusterNode.open({
          path: options.stateFile,
          nodeId,
          updateMs: settings.dbUpdateMs,
          onProblem: (error) => log.error('cannot follow the state file', { error }),
        })
  const store = cluster?.runtime ?? new Store()
  const checks = new ActiveChecks(store)
  const resolver = new HostResolver(settings.dnsServers)
  const balancers = new Balancers({
    store,
    resolver,
    buildDelayMs: settings.stateUpdateMs,
    onBuilt: (id, balancer) => checks.follow(id, balancer),
  })
  const pool = new ConnectionPool(settings.keepalive)
  const trusted = new TrustedProxies(settings.trustedIps, {
    header: settings.realIpHeader,
    recursive: settings.realIpRecursive,
  })
  const pluginServers = startPluginServers(enabled, settings, { store, trusted, nodeId, log })
  const bundled = BUNDLED_PLUGINS.filter(({ name }) => enabled.some((plugin) => plugin.name === name))
  let requests = 0
  const plane: DataPlane = {
    store,
    router: followRoutes(store, (routeId, message) => log.error('route left out', { routeId, message })),
    chains: new PluginChains(store, [...bundled, ...pluginServers.plugins]),
    tools: { store, now: Date.now },
    balancers,
    resolver,
    pool,
    trusted,
    onFinished: (context) => {
      requests++
      accessLog?.write(context)
      logAccess(log, context)
    },
    onProblem: (error, context) =>
      log.error('request failed inside the gateway', {
        requestId: context.id,
        path: context.request.url,
        error,
      }),
  }
  const opened: { close(): Promise<void> }[] = []
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((part) => part.close()))
    checks.close()
    balancers.close()
    pool.close()
    accessLog?.close()
    await pluginServers.close()
    await cluster?.close()
  }
  try {
    const proxy = await startListener(plane, { host, port: options.proxyPort })
    opened.push({ close: () => proxy.close(CLOSE_GRACE_MS) })
    const secure =
      options.proxyTlsPort === undefined ? undefined : await startTls(plane, host, options.proxyTlsPort)
    if (secure) opened.push({ close: () => secure.close(CLOSE_GRACE_MS) })
    cluster?.follow(({ upstreamId, target, address, healthy }) =>
      balancers.mark(upstreamId, target, address, healthy),
    )
    const admin = await startAdmin({
      store: cluster?.database ?? store,
      ...(cluster ? { shared: cluster } : {}),
      balancers: cluster ? announcingMarks(balancers, cluster) : balancers,
      plugins: enabled,
      version: VERSION,
      nodeId,
      metrics: () => nodeMetrics({ nodeId, version: VERSION, requests }),
      configuration: nodeConfiguration(settings, isDbless),
      isDbless,
      log,
      host,
      port: options.adminPort,
    })
    opened.push(admin)
    log.info('gateway is listening', { proxy: proxy.port, proxyTls: secure?.port, admin: admin.port })
    return { proxyPort: proxy.port, proxyTlsPort: secure?.port, adminPort: admin.port, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** A mark that worked here is told to the other nodes. */
function announcingMarks(balancers: BalancerHealth, cluster: ClusterNode): BalancerHealth {
  return {
    health: (upstreamId) => balancers.health(upstreamId),
    balancerHealth: (upstreamId) => balancers.balancerHealth(upstreamId),
    mark: (upstreamId, target, address, healthy) => {
      const result = balancers.mark(upstreamId, target, address, healthy)
      if (result === 'ok') cluster.announce({ upstreamId, target, address, healthy })
      return result
    },
  }
}

function startTls(plane: DataPlane, host: string, port: number): Promise<Listener> {
  const pair = createDefaultCertificate()
  return startListener(plane, {
    host,
    port,
    tls: { ...pair, chooseContext: certificateChooser(plane.store, pair) },
  })
}

function nodeConfiguration(settings: GatewaySettings, isDbless: boolean): Readonly<Record<string, unknown>> {
  return {
    database: isDbless ? 'off' : 'postgres',
    router_flavor: 'traditional_compatible',
    log_level: 'notice',
    db_update_frequency: settings.dbUpdateMs / 1000,
    worker_consistency: 'eventual',
    worker_state_update_frequency: settings.stateUpdateMs / 1000,
    role: settings.isControlPlane ? 'control_plane' : 'traditional',
    plugins: settings.plugins,
    pluginserver_names: settings.pluginServers.map(({ name }) => name),
    ...(settings.pluginServers.length === 0
      ? {}
      : { pluginservers: settings.pluginServers.map(pluginServer) }),
    trusted_ips: settings.trustedIps,
  }
}

/** As Kong 3.9 tells of one that somebody else starts. */
const pluginServer = ({ name, socket, queryCommand }: GatewaySettings['pluginServers'][number]) => ({
  ...{ name, socket, protocol: 'MsgPack:1' },
  ...(queryCommand === null ? {} : { query_command: queryCommand }),
})

function logAccess(log: GatewayLog, context: RequestContext): void {
  log.debug('request', {
    method: context.method,
    path: context.request.url,
    status: context.status,
    route: context.route?.name ?? context.route?.id,
    service: context.service?.name ?? context.service?.id,
    tries: context.tries.map((one) => `${one.address} ${one.status}`),
    durationMs: Math.round((performance.now() - context.startMs) * 10) / 10,
    requestId: context.id,
  })
}
