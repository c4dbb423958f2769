import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EchoServer, startEchoServer } from './echo-server.ts'
import { type KongUnderTest, startKongUnderTest } from './kong-under-test.ts'
import { queryCommand, serveCommand, type ToyPlugin } from './pdk-server.ts'

/** A gateway with toy plugins, whose servers the test runs unless `starts` is set, and an upstream behind it. */
export interface PluginGateway {
  readonly kong: KongUnderTest
  readonly upstream: EchoServer
  /** Where the plugin's server has to listen. */
  socketOf(plugin: ToyPlugin): string
  /** A service and a route `/<name>/` to the upstream. */
  expose(name: string, service?: object): Promise<void>
  /** Puts a plugin on the service; the same call again changes its configuration. */
  configure(plugin: string, service: string, config: object): Promise<void>
  close(): Promise<void>
}

interface Options {
  readonly plugins: readonly ToyPlugin[]
  /** Whether the gateway starts the plugin servers itself. */
  readonly starts?: boolean
  /** More KONG_* variables. */
  readonly env?: Readonly<Record<string, string>>
}

export async function startPluginGateway({ plugins, starts = false, env }: Options): Promise<PluginGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'toys-'))
  const socketOf = (plugin: string): string => join(folder, `${plugin}.sock`)
  const servers = plugins.flatMap((plugin) => {
    const prefix = `KONG_PLUGINSERVER_${plugin.toUpperCase().replace('-', '_')}`
    return [
      [`${prefix}_SOCKET`, socketOf(plugin)],
      [`${prefix}_QUERY_CMD`, queryCommand(plugin)],
      ...(starts ? [[`${prefix}_START_CMD`, serveCommand(plugin, socketOf(plugin))]] : []),
    ]
  })
  const upstream = await startEchoServer()
  const kong = await startKongUnderTest({
    alwaysOwn: true,
    env: {
      KONG_PLUGINS: ['bundled', ...plugins].join(),
      KONG_PLUGINSERVER_NAMES: plugins.join(),
      ...Object.fromEntries(servers),
      ...env,
    },
  })
  const ids = new Map<string, string>()

  async function must(method: string, path: string, body: object): Promise<{ readonly id: string }> {
    const answer = await kong.admin(method, path, body)
    if (answer.status < 300) return answer.body as { id: string }
    throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  }

  return {
    kong,
    upstream,
    socketOf,
    expose: async (name, service = {}) => {
      await must('PUT', `/services/${name}`, { host: '127.0.0.1', port: upstream.port, ...service })
      await must('PUT', `/routes/${name}`, { service: { name }, paths: [`/${name}/`] })
    },
    configure: async (plugin, service, config) => {
      const key = `${plugin} ${service}`
      const id = ids.get(key)
      if (id !== undefined) await must('PATCH', `/plugins/${id}`, { config })
      else ids.set(key, (await must('POST', `/services/${service}/plugins`, { name: plugin, config })).id)
    },
    close: async () => {
      await kong.close()
      await upstream.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
