import { statSync } from 'node:fs'
import { basename, extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describePlugin, type LoadedPlugin, type PluginModule } from './plugin-module.ts'

/**
 * Loads a plugin file in kong-pdk's form, CommonJS or ES module.
 * @throws Error naming the file and what is wrong with it.
 */
export async function loadPlugin(file: string): Promise<LoadedPlugin> {
  const path = resolve(file)
  try {
    const loaded = (await import(pathToFileURL(path).href)) as PluginModule & { default?: PluginModule }
    // Of a CommonJS file Node finds only some exports by name; all of them are in `default`.
    const module = loaded.default?.Plugin ? loaded.default : loaded
    return describePlugin(module, {
      fallbackName: basename(path, extname(path)),
      loadedAt: Date.now() / 1_000,
      modifiedAt: statSync(path).mtimeMs / 1_000,
    })
  } catch (error) {
    throw new Error(`plugin ${file} cannot be loaded: ${(error as Error).message}`, { cause: error })
  }
}

/** Our own plugins and those in `files`, by name. @throws Error for a name that comes twice. */
export async function loadPlugins(files: readonly string[]): Promise<ReadonlyMap<string, LoadedPlugin>> {
  const own = await Promise.all([
    import('../../mesh-tracing/plugin.ts'),
    import('../../mesh-circuit-breaker/plugin.ts'),
    import('../../mesh-observer/plugin.ts'),
  ])
  const at = Date.now() / 1_000
  const loaded = [
    ...own.map((module) =>
      describePlugin(module, { fallbackName: module.Name, loadedAt: at, modifiedAt: at }),
    ),
    ...(await Promise.all(files.map(loadPlugin))),
  ]
  const plugins = new Map<string, LoadedPlugin>()
  for (const plugin of loaded) {
    if (plugins.has(plugin.name)) throw new Error(`two plugins are called ${plugin.name}`)
    plugins.set(plugin.name, plugin)
  }
  return plugins
}
