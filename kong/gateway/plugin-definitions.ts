/**
 * Which plugins are enabled and what their schemas are: Kong's bundled ones, and those of plugin servers, which are
 * asked by running their query command once. Its output is JSON; only the first plugin in it counts, as in Kong 3.9
 * (kong/runloop/plugin_servers/process.lua).
 */

import { exec } from 'node:child_process'
import { promisify } from 'node:util'
import { BUNDLED } from './schema/plugins/bundled.ts'
import type { PluginDefinition } from './schema/plugins/plugin-definition.ts'
import type { GatewaySettings, PluginServerSetting } from './settings.ts'

export interface EnabledPlugin {
  readonly name: string
  readonly version: string
  readonly priority: number
  readonly definition: PluginDefinition
  /** What a plugin server says it handles, such as access and log; empty for bundled plugins. */
  readonly phases: readonly string[]
  /** Where the plugin runs; undefined for bundled plugins. */
  readonly server?: PluginServerSetting
}

const VERSION = '3.9.1'

/** @throws when a plugin server cannot be asked or a plugin is enabled that nobody has, naming it. */
export async function readPluginDefinitions(
  settings: Pick<GatewaySettings, 'plugins' | 'pluginServers'>,
): Promise<readonly EnabledPlugin[]> {
  const available = new Map<string, EnabledPlugin>()
  for (const [definition, priority] of BUNDLED) {
    available.set(definition.name, {
      name: definition.name,
      version: VERSION,
      priority,
      definition,
      phases: [],
    })
  }
  const bundled = [...available.keys()]
  for (const server of settings.pluginServers) {
    const plugin = await readPluginServer(server)
    available.set(plugin.name, plugin)
  }
  const names = settings.plugins.flatMap((name) =>
    name === 'bundled' ? bundled : name === 'off' ? [] : [name],
  )
  return [...new Set(names)].map((name) => {
    const plugin = available.get(name)
    if (plugin) return plugin
    throw new Error(
      `${name} plugin is enabled but not installed; no plugin server of KONG_PLUGINSERVER_NAMES has it`,
    )
  })
}

const QUERY_TIMEOUT_MS = 30_000

async function readPluginServer(server: PluginServerSetting): Promise<EnabledPlugin> {
  if (server.queryCommand === null) throw new Error(`query_command undefined for pluginserver ${server.name}`)
  const what = `the query command of plugin server ${server.name} (${server.queryCommand})`
  let output: string
  try {
    const options = { timeout: QUERY_TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 }
    output = (await promisify(exec)(server.queryCommand, options)).stdout
  } catch (error) {
    throw new Error(`${what} failed: ${(error as Error).message}`, { cause: error })
  }
  try {
    return pluginOf(JSON.parse(output), server)
  } catch (error) {
    throw new Error(`${what} printed no plugin: ${(error as Error).message}`, { cause: error })
  }
}

/** One plugin in the output of a query command. */
interface PluginInfo {
  readonly Name?: unknown
  readonly Version?: unknown
  readonly Priority?: unknown
  readonly Phases?: unknown
  readonly Schema?: { readonly fields?: unknown; readonly entity_checks?: PluginDefinition['entity_checks'] }
}

function pluginOf(dump: unknown, server: PluginServerSetting): EnabledPlugin {
  const list = (dump as { Plugins?: unknown } | null)?.Plugins ?? dump
  const info = (Array.isArray(list) ? list[0] : undefined) as PluginInfo | undefined
  if (typeof info?.Name !== 'string') throw new Error('no Plugins[0].Name')
  const { fields, entity_checks: checks } = info.Schema ?? {}
  if (!Array.isArray(fields)) throw new Error('no Plugins[0].Schema.fields')
  return {
    name: info.Name,
    version: typeof info.Version === 'string' ? info.Version : '0.0.0',
    priority: typeof info.Priority === 'number' ? info.Priority : 0,
    definition: { name: info.Name, fields, ...(Array.isArray(checks) ? { entity_checks: checks } : {}) },
    phases: Array.isArray(info.Phases) ? info.Phases.map(String) : [],
    server,
  }
}
