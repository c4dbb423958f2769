/**
 * The KONG_* variables the gateway understands, with Kong's own defaults and syntax. What it does not understand it
 * ignores, as Kong does with unknown variables; KONG_PROXY_LISTEN and KONG_ADMIN_LISTEN are ignored too, because
 * ports are arguments of `startGateway`.
 */

export interface PluginServerSetting {
  readonly name: string
  readonly socket: string
  readonly startCommand: string | null
  readonly queryCommand: string | null
}

export interface GatewaySettings {
  /** KONG_DATABASE=off: rows come from POST /config. */
  readonly isDbless: boolean
  /** KONG_ROLE=control_plane: no health marks can be made by the Admin API. Here it serves all the same. */
  readonly isControlPlane: boolean
  /** Names of enabled plugins; 'bundled' stands for Kong's own. */
  readonly plugins: readonly string[]
  readonly pluginServers: readonly PluginServerSetting[]
  /** nginx `access_log` arguments of a second log, e.g. `syslog:server=127.0.0.1:5140,nohostname,tag=mesh name`. */
  readonly accessLog: string | null
  /** nginx `log_format` arguments: name, options, template. */
  readonly logFormat: string | null
  /** 'off' turns off every access log. */
  readonly proxyAccessLog: string
  readonly trustedIps: readonly string[]
  readonly realIpHeader: string
  readonly realIpRecursive: boolean
  readonly keepalive: { readonly size: number; readonly idleTimeoutMs: number; readonly maxRequests: number }
  /** How long changes of other nodes may take, in ms. */
  readonly dbUpdateMs: number
  /** How long Kong may take to act on a new upstream, in ms. */
  readonly stateUpdateMs: number
  /** DNS servers, `ip:port`; none: the system's. */
  readonly dnsServers: readonly string[]
  /** How long a plugin server may take for one answer, in ms. Kong: nginx's lua_socket_read_timeout, 60 s. */
  readonly pluginReadTimeoutMs: number
}

/** Throws an Error that names the variable whose value makes no sense. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): GatewaySettings {
  return {
    isDbless: env.KONG_DATABASE === 'off',
    isControlPlane: env.KONG_ROLE === 'control_plane',
    plugins: list(env.KONG_PLUGINS ?? 'bundled'),
    pluginServers: pluginServers(env),
    accessLog: env.KONG_NGINX_PROXY_ACCESS_LOG || null,
    logFormat: env.KONG_NGINX_HTTP_LOG_FORMAT || null,
    proxyAccessLog: env.KONG_PROXY_ACCESS_LOG || 'logs/access.log',
    trustedIps: list(env.KONG_TRUSTED_IPS ?? ''),
    realIpHeader: env.KONG_REAL_IP_HEADER || 'X-Real-IP',
    realIpRecursive: /^(on|true)$/i.test(env.KONG_REAL_IP_RECURSIVE ?? 'off'),
    keepalive: {
      size: number(env, 'KONG_UPSTREAM_KEEPALIVE_POOL_SIZE', 512),
      idleTimeoutMs: number(env, 'KONG_UPSTREAM_KEEPALIVE_IDLE_TIMEOUT', 60) * 1000,
      maxRequests: number(env, 'KONG_UPSTREAM_KEEPALIVE_MAX_REQUESTS', 10_000) || Number.POSITIVE_INFINITY,
    },
    dbUpdateMs: number(env, 'KONG_DB_UPDATE_FREQUENCY', 5) * 1000,
    stateUpdateMs: number(env, 'KONG_WORKER_STATE_UPDATE_FREQUENCY', 5) * 1000,
    dnsServers: list(env.KONG_DNS_RESOLVER ?? ''),
    pluginReadTimeoutMs: duration(env, 'KONG_NGINX_HTTP_LUA_SOCKET_READ_TIMEOUT', 60_000),
  }
}

function pluginServers(env: Readonly<Record<string, string | undefined>>): readonly PluginServerSetting[] {
  return list(env.KONG_PLUGINSERVER_NAMES ?? '').map((listed) => {
    const name = listed.toLowerCase()
    const prefix = `KONG_PLUGINSERVER_${name.toUpperCase().replaceAll('-', '_')}_`
    const kongPrefix = env.KONG_PREFIX || '/usr/local/kong'
    return {
      name,
      socket: env[`${prefix}SOCKET`] || `${kongPrefix}/${name}.socket`,
      startCommand: env[`${prefix}START_CMD`] || null,
      queryCommand: env[`${prefix}QUERY_CMD`] || null,
    }
  })
}

function list(text: string): readonly string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function number(env: Readonly<Record<string, string | undefined>>, name: string, fallback: number): number {
  const text = env[name]
  if (text === undefined || text === '') return fallback
  const value = Number(text)
  if (!Number.isFinite(value) || value < 0)
    throw new Error(`${name} must be a number of at least 0, not '${text}'`)
  return value
}

/** nginx times: `500ms`, `5s`, `1m`, `60` (seconds). */
function duration(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  fallbackMs: number,
): number {
  const text = env[name]
  if (text === undefined || text === '') return fallbackMs
  const match = /^(\d+)(ms|s|m|h)?$/.exec(text)
  if (!match) throw new Error(`${name} must be an nginx time such as 500ms or 5s, not '${text}'`)
  const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] ?? 's'] ?? 1000
  return Number(match[1]) * unitMs
}
