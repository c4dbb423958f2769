import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadPlugins } from '../../plugins/server/form/load-plugin.ts'
import { writeDump } from '../../plugins/server/process/dump-file.ts'

/** KONG_* variables of a gateway that has loaded the mesh's plugins, by their real schemas. */
export interface MeshPluginEnv {
  readonly env: Readonly<Record<string, string>>
  remove(): void
}

/** Nothing listens on the plugins' sockets. */
export async function meshPluginEnv(): Promise<MeshPluginEnv> {
  const names = ['mesh-tracing', 'mesh-circuit-breaker']
  const folder = mkdtempSync(join(tmpdir(), 'mesh-plugins-'))
  const env: Record<string, string> = {
    KONG_PLUGINS: ['bundled', ...names].join(),
    KONG_PLUGINSERVER_NAMES: names.join(),
  }
  const plugins = await loadPlugins([])
  for (const name of names) {
    const { info } = plugins.get(name)!
    const prefix = `KONG_PLUGINSERVER_${name.toUpperCase().replaceAll('-', '_')}`
    env[`${prefix}_SOCKET`] = join(folder, 'nobody.sock')
    env[`${prefix}_QUERY_CMD`] = `cat '${writeDump(folder, info)}'`
  }
  return { env, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
