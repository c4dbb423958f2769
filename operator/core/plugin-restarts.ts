import type { Change } from './diff.ts'
import type { Problem } from './problem.ts'

/**
 * Does Kong start every instance of every external plugin anew after this? Any change of any plugin does that, also one
 * that goes with its service or route, and so does each new configuration of a Kong without database. While nothing
 * answers at the plugins' sockets Kong then refuses every request with 500, until something does.
 * Source: kong/runloop/plugins_iterator.lua, kong/runloop/plugin_servers/plugin.lua of Kong 3.9.
 */
export function restartsPlugins({ action, entity: { kind } }: Change, isDbless: boolean): boolean {
  if (isDbless || kind === 'plugin') return true
  return action === 'delete' && (kind === 'service' || kind === 'route')
}

/** One for the mesh, while no plugin process is heard of. @param since epoch ms */
export function pluginsSilent(nodes: readonly string[], since: number): Problem {
  return {
    code: 'PLUGINS_SILENT',
    severity: 'error',
    service: '',
    message:
      `no plugin process of ${nodes.join(', ')} has been heard of since ${new Date(since).toISOString()}: requests go on without ` +
      'them, but changes to plugins wait, because Kong would answer 500 to every request after one; start "kongsul plugins" there',
  }
}
