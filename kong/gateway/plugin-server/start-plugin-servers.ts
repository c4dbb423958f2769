import type { GatewayLog } from '../gateway-log.ts'
import type { EnabledPlugin } from '../plugin-definitions.ts'
import type { GatewaySettings, PluginServerSetting } from '../settings.ts'
import { ExternalPlugin } from './external-plugin.ts'
import type { PdkWorld } from './pdk/method.ts'
import { startServerProcess } from './server-process.ts'

export interface PluginServers {
  /** For the chains of routes, beside the bundled plugins. */
  readonly plugins: readonly ExternalPlugin[]
  close(): Promise<void>
}

/** Phases that are run; a plugin's others are left out, and said so. */
const PHASES = ['access', 'log']

/** Makes the enabled external plugins callable, and starts the servers that have a start command. */
export function startPluginServers(
  enabled: readonly EnabledPlugin[],
  settings: Pick<GatewaySettings, 'pluginServers' | 'pluginReadTimeoutMs'>,
  world: PdkWorld,
): PluginServers {
  const plugins = enabled.flatMap((plugin) => {
    if (!plugin.server) return []
    warnOfPhases(plugin, world.log)
    return [new ExternalPlugin(plugin, plugin.server, settings.pluginReadTimeoutMs, world)]
  })
  const processes = settings.pluginServers.flatMap((server) => startOwn(server, world.log))
  return {
    plugins,
    close: async () => {
      for (const plugin of plugins) plugin.close()
      await Promise.all(processes.map((one) => one.stop()))
    },
  }
}

function startOwn({ name, startCommand }: PluginServerSetting, log: GatewayLog) {
  if (startCommand !== null) return [startServerProcess(name, startCommand, log)]
  log.info('plugin server has no start command: somebody else has to run it', { server: name })
  return []
}

function warnOfPhases({ name, phases }: EnabledPlugin, log: GatewayLog): void {
  const left = phases.filter((phase) => !PHASES.includes(phase))
  if (left.length > 0) log.warn('the dev gateway runs plugins in access and log only', { plugin: name, left })
}
