import { fileURLToPath } from 'node:url'
import { MESH_PLUGINS } from '../../operator/core/service-plugins.ts'

const FOLDER = fileURLToPath(new URL('../fixtures/mesh-plugins', import.meta.url))

/** KONG_* variables of a gateway that has loaded the mesh's plugins. Nothing listens on their sockets. */
export function meshPluginEnv(plugins: readonly string[] = MESH_PLUGINS): Record<string, string> {
  const env: Record<string, string> = {
    KONG_PLUGINS: ['bundled', ...plugins].join(),
    KONG_PLUGINSERVER_NAMES: plugins.join(),
  }
  for (const name of plugins) {
    const prefix = `KONG_PLUGINSERVER_${name.toUpperCase().replaceAll('-', '_')}`
    env[`${prefix}_SOCKET`] = `${FOLDER}/nobody.sock`
    env[`${prefix}_QUERY_CMD`] = `cat '${FOLDER}/${name}.json'`
  }
  return env
}
