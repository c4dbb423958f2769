// What Kong has to be told to use the plugins: the one place that knows these names.
import { join } from 'node:path'
import { wantedPlugins } from '../../operator/core/service-plugins.ts'
import { logSettings } from '../outcomes/log-format.ts'

/** Plugins of a Kong whose access log can be sent to the feed. mesh-observer is for those where it cannot. */
export const FED_PLUGINS: readonly string[] = wantedPlugins('access_log')

/**
 * How long Kong waits for a plugin that does not answer. Longer than `kongsul plugins` takes to replace a process that
 * hangs (400 ms), and short enough for whoever waits.
 */
export const READ_TIMEOUT = '500ms'

export interface KongEnvironmentOptions {
  /** Where sockets and dump files are, as Kong sees it. */
  readonly socketDir: string
  /** In every line of the log; see feed-token.ts. */
  readonly lineToken: string
  /** Where the feed listens, as Kong reaches it; null: the access log is not sent. */
  readonly feed: { readonly host: string; readonly port: number } | null
  /** Names; `FED_PLUGINS` unless said. */
  readonly plugins?: readonly string[]
}

/**
 * Variables for the environment of Kong 3.9. Without a start command Kong leaves the server to others; it runs the
 * query command once, at its start, so the dump files have to be there by then.
 * @throws RangeError when the token could not stand in the log format.
 */
export function kongEnvironment({
  socketDir,
  lineToken,
  feed,
  plugins = FED_PLUGINS,
}: KongEnvironmentOptions): Readonly<Record<string, string>> {
  const servers = plugins.flatMap((plugin) => {
    const prefix = `KONG_PLUGINSERVER_${plugin.toUpperCase().replaceAll('-', '_')}`
    return [
      [`${prefix}_SOCKET`, join(socketDir, `${plugin}.sock`)],
      [`${prefix}_QUERY_CMD`, `cat ${join(socketDir, `${plugin}.json`)}`],
    ]
  })
  return {
    KONG_PLUGINS: ['bundled', ...plugins].join(),
    KONG_PLUGINSERVER_NAMES: plugins.join(),
    ...Object.fromEntries(servers),
    KONG_NGINX_HTTP_LUA_SOCKET_READ_TIMEOUT: READ_TIMEOUT,
    ...(feed === null ? {} : logSettings({ token: lineToken, ...feed })),
  }
}

/** `NAME='value'` for a shell, one a line. */
export function shellLines(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}='${value.replaceAll("'", "'\\''")}'`)
}
