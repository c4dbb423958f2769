import { chmodSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PluginInfo } from '../form/plugin-module.ts'

/**
 * What Kong's query command has to print about a plugin: a list, of which Kong 3.9 reads the first entry
 * (kong/runloop/plugin_servers/process.lua), so a file holds one plugin.
 */
export function dumpOf(info: PluginInfo): string {
  return `${JSON.stringify([info])}\n`
}

/**
 * Writes `<folder>/<plugin>.json` in one step. It stays when the process ends: Kong reads it at its own start.
 * @returns its path
 */
export function writeDump(folder: string, info: PluginInfo): string {
  const path = join(folder, `${info.Name}.json`)
  const temporary = join(folder, `.${info.Name}.json.${process.pid}`)
  writeFileSync(temporary, dumpOf(info))
  // Kong runs the query as its own user; there is nothing secret in it.
  chmodSync(temporary, 0o644)
  renameSync(temporary, path)
  return path
}
